"""`dead-letters`: shows or replays events that failed, of all of the service's queues."""

import argparse

from libs.common.bus import dead_letters, open_bus
from services.metrics.event_documents.consumer import QUEUE as EVENT_DOCUMENTS
from services.metrics.privacy.consumer import QUEUE as ERASURES
from services.metrics.raw_events.consumer import QUEUE as RAW_EVENTS
from services.metrics.read_models.consumer import QUEUE as READ_MODELS
from services.metrics.settings import MetricsSettings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Give the verb's parser its options."""
    dead_letters.add_commands(parser, (READ_MODELS, RAW_EVENTS, EVENT_DOCUMENTS, ERASURES))


async def run(settings: MetricsSettings, arguments: argparse.Namespace) -> int:
    """Carry out a parsed command; returns the exit code."""
    bus = open_bus(settings.bus_url.get_secret_value())
    try:
        return await dead_letters.run(bus, arguments)
    finally:
        await bus.close()
