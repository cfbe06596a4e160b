"""The live feed over WebSocket: one stream from the metrics service for all sockets that follow a venue."""
