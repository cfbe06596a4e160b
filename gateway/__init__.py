"""What stands between clients and the services: Envoy, the edge process, the REST client."""
