"""Command line of the metrics service: `python -m services.metrics serve|work|all|migrate|dead-letters`."""

import argparse
import asyncio
import sys
from typing import Any

import uvloop

from services.metrics.settings import MetricsSettings


def main() -> int:
    """Carry out the command; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m services.metrics", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("serve", help="answer calls")
    commands.add_parser("work", help="consume events, relay the outbox, keep the tables in shape")
    commands.add_parser("all", help="serve and work in one process")
    commands.add_parser("migrate", help="bring the database to this version; needs the owner's URL")
    _add_dead_letters(commands.add_parser("dead-letters", help="show or replay events that failed"))
    _add_replica_commands(commands)
    _add_check_daily(commands.add_parser("check-daily", help="compare the days with the facts and repair"))
    _add_replay(commands.add_parser("replay", help="make read models anew from the raw events"))
    _add_show_history(commands.add_parser("show-history", help="print what was stated about a show"))
    arguments = parser.parse_args()
    settings = MetricsSettings()
    if arguments.command == "migrate":
        return asyncio.run(_migrate(settings))
    by_hand = {"dead-letters": _dead_letters, "check-daily": _check_daily, "show-history": _show_history}
    if arguments.command in by_hand:
        return asyncio.run(by_hand[arguments.command](settings, arguments))
    if arguments.command == "replay":
        return uvloop.run(_replay(settings, arguments))
    if arguments.command in ("migrate-to-influx", "reconcile"):
        return uvloop.run(_replica(settings, arguments))
    return uvloop.run(_run(settings, arguments.command))


async def _run(settings: MetricsSettings, command: str) -> int:
    from services.metrics.bootstrap import run

    await run(settings, serves=command in ("serve", "all"), works=command in ("work", "all"))
    return 0


async def _migrate(settings: MetricsSettings) -> int:
    from libs.common.postgres.migrate import run_migrations

    if settings.owner_database_url is None:
        sys.stderr.write("METRICS_OWNER_DATABASE_URL is not set: migrations run as the owner role\n")
        return 2
    await run_migrations("services.metrics", settings.owner_database_url.get_secret_value())
    return 0


def _add_dead_letters(parser: argparse.ArgumentParser) -> None:
    from libs.common.bus.dead_letters import add_commands
    from services.metrics.event_documents.consumer import QUEUE as EVENT_DOCUMENTS
    from services.metrics.raw_events.consumer import QUEUE as RAW_EVENTS
    from services.metrics.read_models.consumer import QUEUE as READ_MODELS

    add_commands(parser, (READ_MODELS, RAW_EVENTS, EVENT_DOCUMENTS))


async def _dead_letters(settings: MetricsSettings, arguments: argparse.Namespace) -> int:
    from libs.common.bus import open_bus
    from libs.common.bus.dead_letters import run

    bus = open_bus(settings.bus_url.get_secret_value())
    try:
        return await run(bus, arguments)
    finally:
        await bus.close()


def _add_replica_commands(commands: Any) -> None:
    from services.metrics.replication.arguments import add_commands

    add_commands(commands)


async def _replica(settings: MetricsSettings, arguments: argparse.Namespace) -> int:
    from services.metrics.replication.commands import run

    return await run(settings, arguments)


def _add_check_daily(parser: argparse.ArgumentParser) -> None:
    from services.metrics.daily.command import add_arguments

    add_arguments(parser)


async def _check_daily(settings: MetricsSettings, arguments: argparse.Namespace) -> int:
    from services.metrics.daily.command import run

    return await run(settings, arguments)


def _add_replay(parser: argparse.ArgumentParser) -> None:
    from services.metrics.rebuild.command import add_arguments

    add_arguments(parser)


async def _replay(settings: MetricsSettings, arguments: argparse.Namespace) -> int:
    from services.metrics.rebuild.command import run

    return await run(settings, arguments)


def _add_show_history(parser: argparse.ArgumentParser) -> None:
    from services.metrics.event_documents.command import add_arguments

    add_arguments(parser)


async def _show_history(settings: MetricsSettings, arguments: argparse.Namespace) -> int:
    from services.metrics.event_documents.command import run

    return await run(settings, arguments)


if __name__ == "__main__":
    sys.exit(main())
