"""The gRPC services of the metrics contract, each put together from the capabilities that answer it."""
