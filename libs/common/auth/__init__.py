"""Who is calling: users' and services' tokens verified, and this service's own short-lived identity."""
