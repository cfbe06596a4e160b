"""`dead-letters`: shows or replays events that failed, of all of the service's queues."""

import argparse

from libs.common.bus import dead_letters, open_bus
from services.customers.behavior.consumer import QUEUE as BEHAVIOR
from services.customers.privacy.confirmations import QUEUE as CONFIRMATIONS
from services.customers.read_models.consumer import QUEUE as READ_MODELS
from services.customers.settings import CustomersSettings
from services.customers.touchpoints.consumer import QUEUE as TOUCHPOINTS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Give the verb's parser its options."""
    dead_letters.add_commands(parser, (READ_MODELS, BEHAVIOR, TOUCHPOINTS, CONFIRMATIONS))


async def run(settings: CustomersSettings, arguments: argparse.Namespace) -> int:
    """Carry out a parsed command; returns the exit code."""
    bus = open_bus(settings.bus_url.get_secret_value())
    try:
        return await dead_letters.run(bus, arguments)
    finally:
        await bus.close()
