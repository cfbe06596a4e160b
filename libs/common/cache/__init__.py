"""Cached answers of a service: per tenant, signed, shared by replicas, never needed for being right."""
