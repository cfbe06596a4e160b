"""People whose behaviour is known: how often each comes, when each leaves, and what every channel does."""
