"""The caches of all services, as far as they belong to the caller's tenant."""
