"""Platform events on their way in: judged one by one, stored once, relayed to the bus."""
