"""Each gRPC service of the contract, put together from the capabilities that implement its methods."""
