"""What a change of tickets, and a refusal, add to the sums kept over them."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from services.metrics.daily.facts import DailyFact, quarter_of
from services.metrics.orders.sums import NO_ID
from services.metrics.rollup_buckets import BUCKET_MINUTES, bucket_start
from services.metrics.tickets.facts import Scan, Ticket

SCANNED_COUNT: Final = "scanned_count"
TRANSFERRED_COUNT: Final = "transferred_count"


class StatusKey(NamedTuple):
    """Grain of the status counts."""

    event_id: UUID
    ticket_type_id: UUID
    venue_id: UUID


class GateKey(NamedTuple):
    """Grain of the gates."""

    event_id: UUID
    gate: str
    venue_id: UUID


class MinuteKey(NamedTuple):
    """Grain of the gates' minutes."""

    event_id: UUID
    minute_start: datetime
    gate: str
    venue_id: UUID


class AdmissionKey(NamedTuple):
    """Grain of the admission rollup."""

    bucket_minutes: int
    bucket_start: datetime
    event_id: UUID
    venue_id: UUID


class DayKey(NamedTuple):
    """Where a figure of the daily tables belongs; `at` is a quarter of an hour."""

    venue_id: UUID
    event_id: UUID
    at: datetime
    figure: str


@dataclass(slots=True)
class StatusDelta:
    """Change of one row of the status counts."""

    newest_fact_at: datetime
    admitted_count: int = 0
    inside_count: int = 0
    transferred_count: int = 0
    resold_count: int = 0

    def add(self, ticket: Ticket, sign: int) -> None:
        self.admitted_count += sign * (ticket.admission is not None)
        self.inside_count += sign * (ticket.movement is not None and ticket.movement.is_inside)
        self.transferred_count += sign * (ticket.first_transferred_at is not None)
        self.resold_count += sign * (ticket.first_resold_at is not None)


class Deltas:
    """Collects what replacing tickets by what is known now, and refused scans, change in the sums."""

    def __init__(self) -> None:
        self.status: dict[StatusKey, StatusDelta] = {}
        self.admitted: Counter[GateKey] = Counter()
        self.refused: Counter[GateKey] = Counter()
        self.last_scans: dict[GateKey, datetime] = {}
        self.minutes_admitted: Counter[MinuteKey] = Counter()
        self.minutes_refused: Counter[MinuteKey] = Counter()
        self.admissions: Counter[AdmissionKey] = Counter()
        self.newest_admissions: dict[AdmissionKey, datetime] = {}
        self._days: Counter[DayKey] = Counter()
        self._newest_of_days: dict[DayKey, datetime] = {}

    def replace(self, before: Ticket | None, after: Ticket) -> None:
        """Take a ticket's old figures out of the sums and put its new ones in."""
        if before is not None:
            self._count(before, -1, after.newest_fact_at)
        self._count(after, 1, after.newest_fact_at)

    def scan(self, scan: Scan) -> None:
        """Note when a gate last scanned; noting a scan again changes nothing."""
        key = GateKey(scan.event_id, scan.gate, scan.venue_id)
        self.last_scans[key] = max(scan.at, self.last_scans.get(key, scan.at))

    def refuse(self, scan: Scan) -> None:
        """Count a refused scan."""
        self.refused[GateKey(scan.event_id, scan.gate, scan.venue_id)] += 1
        minute = bucket_start(scan.at, 1)
        self.minutes_refused[MinuteKey(scan.event_id, minute, scan.gate, scan.venue_id)] += 1

    def daily(self) -> Iterator[DailyFact]:
        """What changes in the daily tables."""
        for key, count in self._days.items():
            if count:
                figures = {key.figure: count}
                yield DailyFact(key.venue_id, key.event_id, key.at, "", figures, self._newest_of_days[key])

    def venue_ids(self) -> set[UUID]:
        """Venues whose figures change."""
        return {key.venue_id for key in self.status} | {key.venue_id for key in self.last_scans}

    def event_ids(self) -> set[UUID]:
        """Shows whose figures change."""
        return {key.event_id for key in self.status} | {key.event_id for key in self.last_scans}

    def _count(self, ticket: Ticket, sign: int, newest_fact_at: datetime) -> None:
        venue_id, event_id = ticket.place.venue_id, ticket.place.event_id
        type_id = NO_ID if ticket.ticket_type is None else ticket.ticket_type.id
        status = self.status.setdefault(StatusKey(event_id, type_id, venue_id), StatusDelta(newest_fact_at))
        status.newest_fact_at = max(status.newest_fact_at, newest_fact_at)
        status.add(ticket, sign)
        if ticket.first_transferred_at is not None:
            self._add_to_day(venue_id, event_id, ticket.first_transferred_at, TRANSFERRED_COUNT, sign)
        if ticket.admission is None:
            return
        at, _, gate = ticket.admission
        self._add_to_day(venue_id, event_id, at, SCANNED_COUNT, sign)
        self.admitted[GateKey(event_id, gate, venue_id)] += sign
        self.minutes_admitted[MinuteKey(event_id, bucket_start(at, 1), gate, venue_id)] += sign
        for minutes in BUCKET_MINUTES:
            key = AdmissionKey(minutes, bucket_start(at, minutes), event_id, venue_id)
            self.admissions[key] += sign
            self.newest_admissions[key] = max(at, self.newest_admissions.get(key, at))

    def _add_to_day(self, venue_id: UUID, event_id: UUID, at: datetime, figure: str, count: int) -> None:
        key = DayKey(venue_id, event_id, quarter_of(at), figure)
        self._days[key] += count
        self._newest_of_days[key] = max(at, self._newest_of_days.get(key, at))
