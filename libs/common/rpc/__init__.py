"""gRPC: the one pipeline every call goes through, the server around it, and channels to other services."""
