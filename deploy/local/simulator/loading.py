"""The past of a season, and of a house with its patrons, into a running platform; again changes nothing."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import grpc
from tickettoken.events.v1.envelope_pb2 import Event

from deploy.local.simulator.emission import BATCH_SIZE, EmissionFailed, Emitter, Progress
from deploy.local.simulator.events import Pending, built, timeline
from deploy.local.simulator.facts import Season
from deploy.local.simulator.patrons.announcing import Announcing
from deploy.local.simulator.patrons.events import patron_timeline
from deploy.local.simulator.patrons.patronage import Patronage
from deploy.local.simulator.patrons.truth import PatronTruth
from deploy.local.simulator.truth import truth_of

Disorder = Callable[[list[Pending]], list[Pending]]
"""What the network does to events in order."""


@dataclass(frozen=True, slots=True)
class Past:
    """What is loaded: a season of the named size, and a house where there is one."""

    size: str
    season: Season
    patronage: Patronage | None

    @property
    def order_count(self) -> int:
        return len(self.season.orders) + (len(self.patronage.season.orders) if self.patronage else 0)

    @property
    def venue_count(self) -> int:
        return len(self.season.venues) + (self.patronage is not None)

    def write_truth(self, folder: Path) -> None:
        """Write `truth.json` and `patrons.json`, and in `season.json` what a reader of the platform needs."""
        truth = truth_of(self.season)
        summary = {name: truth[name] for name in ("tenant_id", "seed", "anchor", "venues", "counts")}
        summary["size"] = self.size
        (folder / "truth.json").write_text(json.dumps(truth, indent=1))
        if self.patronage is not None:
            about_patrons = PatronTruth(self.patronage).as_json()
            (folder / "patrons.json").write_text(json.dumps(about_patrons, indent=1))
            summary["patrons"] = {name: about_patrons[name] for name in ("venue_id", "profile")}
        (folder / "season.json").write_text(json.dumps(summary, indent=1))


async def publish(past: Past, channel: grpc.aio.Channel, token: Callable[[], str], disorder: Disorder) -> str:
    """Publish everything; returns what the gateway said of it.

    Raises:
        EmissionFailed: The gateway refused something, or stayed away.
    """
    emitter = Emitter(channel, token)
    pending = timeline(past.season)
    if past.patronage is not None:
        pending += await _of_patrons(past.patronage, emitter, Announcing(channel, token))
    pending = disorder(sorted(pending, key=lambda one: one.at))
    progress = Progress(len(pending), f"{past.size} season")
    tally = await emitter.emit(_batches(pending), progress=progress)
    progress.close()
    if tally.rejected:
        raise EmissionFailed(f"{tally.rejected:,} events were refused: {tally}")
    return f"{past.order_count:,} orders at {past.venue_count} venues as {tally.sent:,} events: {tally}"


async def _of_patrons(patronage: Patronage, emitter: Emitter, announcing: Announcing) -> list[Pending]:
    """What is left to publish of a house when its venue is known and its campaigns have their ids."""
    opening, *_ = patron_timeline(patronage)
    await emitter.send(built([opening]))
    return patron_timeline(patronage, await announcing.announce(patronage))[1:]


def _batches(pending: Sequence[Pending]) -> Iterator[list[Event]]:
    for start in range(0, len(pending), BATCH_SIZE):
        yield built(pending[start : start + BATCH_SIZE])
