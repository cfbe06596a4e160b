"""Plays a season into a running platform: `python -m deploy.local.simulator load | run`."""

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Callable, Coroutine
from contextlib import suppress
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import jwt

from deploy.local.simulator.disorder import disordered
from deploy.local.simulator.emission import EmissionFailed, Emitter, gateway_channel
from deploy.local.simulator.live import BoxOffice, Crowd, keep_selling
from deploy.local.simulator.loading import Past, publish
from deploy.local.simulator.patrons import playing
from deploy.local.simulator.patrons.patronage import Patronage
from deploy.local.simulator.patrons.profiles import PROFILES
from deploy.local.simulator.season import play
from deploy.local.simulator.world import SIZES, Ids


def main(arguments: list[str] | None = None) -> int:
    """Run one command; its exit code."""
    options = _parser().parse_args(arguments)
    options.folder.mkdir(parents=True, exist_ok=True)
    try:
        asyncio.run(_load(options) if options.command == "load" else _until_signalled(_run(options)))
    except EmissionFailed as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m deploy.local.simulator", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--gateway", required=True, help="URL of the gateway")
    shared.add_argument("--token-file", type=Path, required=True, help="file with a token; its tenant sells")
    shared.add_argument("--season", "--size", choices=SIZES, default="small", help="how much (small)")
    shared.add_argument(
        "--patrons", choices=("none", *PROFILES), help="who comes to a further house (as many as the season)"
    )
    shared.add_argument("--seed", type=int, default=7, help="same seed, same season (7)")
    shared.add_argument(
        "--folder", type=Path, default=Path(), help="for season.json, truth.json and patrons.json (.)"
    )

    load = commands.add_parser("load", parents=[shared], help="publish the past; again changes nothing")
    load.add_argument("--anchor", type=date.fromisoformat, help="first day after the past (today)")
    load.add_argument("--late", type=float, default=0.0, help="share of events that arrive last (0)")
    load.add_argument("--duplicated", type=float, default=0.0, help="share of events that arrive twice (0)")
    load.add_argument("--shuffled", type=int, default=0, help="events this close may change places (0)")

    run = commands.add_parser("run", parents=[shared], help="go on selling at the pace of the clock")
    run.set_defaults(anchor=None)
    run.add_argument("--pace", type=float, default=0.5, help="visits a second (0.5)")
    return parser


async def _load(options: argparse.Namespace) -> None:
    ids, anchor = Ids(_tenant(options.token_file), options.seed), _anchor(options)
    season = play(ids, SIZES[options.season], anchor)
    past = Past(options.season, season, _patronage(ids, options, anchor))
    past.write_truth(options.folder)
    disorder = partial(
        disordered,
        seed=options.seed,
        late_ratio=options.late,
        duplicate_ratio=options.duplicated,
        shuffle_window=options.shuffled,
    )
    async with gateway_channel(options.gateway) as channel:
        print(await publish(past, channel, _token(options), disorder))


async def _run(options: argparse.Namespace) -> None:
    ids, token = Ids(_tenant(options.token_file), options.seed), _token(options)
    patronage = _patronage(ids, options, _anchor(options))
    further = [] if patronage is None else [Crowd(patronage.venue, patronage.present)]
    box_office = BoxOffice(ids, SIZES[options.season], Random(), further)
    async with gateway_channel(options.gateway) as channel:
        await keep_selling(box_office, Emitter(channel, token), channel, token, options.pace)


def _patronage(ids: Ids, options: argparse.Namespace, anchor: date) -> Patronage | None:
    profile = options.patrons or options.season
    return None if profile == "none" else playing.play(ids, PROFILES[profile], anchor)


async def _until_signalled(work: Coroutine[Any, Any, None]) -> None:
    """Let SIGTERM and Ctrl-C end the work without a traceback."""
    task = asyncio.create_task(work)
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, task.cancel)
    with suppress(asyncio.CancelledError):
        await task


def _anchor(options: argparse.Namespace) -> date:
    """The given day, else that of an earlier load (a second one is the same), else today."""
    if options.anchor is not None:
        return date.fromisoformat(str(options.anchor))
    known = options.folder / "season.json"
    if known.exists():
        return date.fromisoformat(json.loads(known.read_text())["anchor"])
    return datetime.now(UTC).date()


def _token(options: argparse.Namespace) -> Callable[[], str]:
    """Reads the token before each call, as it may be renewed meanwhile."""
    return lambda: str(options.token_file.read_text().strip())


def _tenant(token_file: Path) -> UUID:
    """The token's tenant. The gateway verifies the token; here it is only read."""
    claims = jwt.decode(token_file.read_text().strip(), options={"verify_signature": False})
    return UUID(claims["tenant_id"])


if __name__ == "__main__":
    sys.exit(main())
