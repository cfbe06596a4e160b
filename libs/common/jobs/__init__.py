"""The one scheduler of all services: scheduled and queued work that runs once, somewhere, under a lease."""
