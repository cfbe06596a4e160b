"""The OpenAPI 3.1 document of the REST routes, made from the contract alone."""

from gateway.openapi.builder import document

__all__ = ["document"]
