"""`dead-letters list | replay`, for the command line of every service that consumes events."""

import argparse
import sys
from collections.abc import Sequence

from libs.common.bus.port import Bus, DeadLetter


def add_commands(parser: argparse.ArgumentParser, queues: Sequence[str]) -> None:
    """Give a service's `dead-letters` parser its two verbs.

    Args:
        parser: Parser of the verb `dead-letters`.
        queues: The service's queues.
    """
    verbs = parser.add_subparsers(dest="verb", required=True)
    listing = verbs.add_parser("list", help="show dead letters, oldest first; changes nothing")
    replaying = verbs.add_parser("replay", help="give dead letters back to their queue as first attempts")
    replaying.add_argument("--event-id", action="append", help="only this event; may be repeated")
    for verb in (listing, replaying):
        verb.add_argument("--queue", choices=queues, action="append", help="only this queue; may be repeated")
        verb.add_argument("--limit", type=int, default=1000, help="most letters per queue (default 1000)")
    parser.set_defaults(queues=tuple(queues))


async def run(bus: Bus, arguments: argparse.Namespace) -> int:
    """Carry out a parsed `dead-letters` command; returns the exit code."""
    for queue in arguments.queue or arguments.queues:
        if arguments.verb == "list":
            letters = await bus.list_dead(queue, limit=arguments.limit)
            _say(f"{queue}: {len(letters)} dead letters")
            for letter in letters:
                _say(_line(letter))
        else:
            count = await bus.replay_dead(queue, event_ids=arguments.event_id, limit=arguments.limit)
            _say(f"{queue}: replayed {count}")
    return 0


def _line(letter: DeadLetter) -> str:
    died_at = letter.died_at.isoformat(timespec="seconds") if letter.died_at else "-"
    if letter.event is None:
        return f"  {died_at} attempts={letter.attempt} unreadable reason={letter.reason}"
    event = letter.event
    return (
        f"  {died_at} attempts={letter.attempt} {event.type} {event.event_id}"
        f" tenant={event.tenant_id} reason={letter.reason}"
    )


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
