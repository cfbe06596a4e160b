"""Use case: an extract of customers in which at least k share every combination of the named columns."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from libs.common.catalog.clocks import clock_of
from libs.common.catalog.venues import Venues
from libs.common.context import TenantScope
from services.customers.errors import DatasetTooLarge
from services.customers.privacy.dataset_columns import KINDS, UNKNOWN, Described, Person, Value
from services.customers.privacy.dataset_store import DatasetStore
from services.customers.privacy.grouper import Grouper
from services.customers.privacy.grouping import Answer, Question
from services.customers.privacy.mondrian import Column, coded

MOST_PEOPLE: Final = 100_000


@dataclass(frozen=True, slots=True)
class Group:
    """People with one description; `sensitive` counts their values of the sensitive column."""

    described: tuple[Described, ...]
    customer_count: int
    sensitive: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Dataset:
    """The extract and what was measured on it; `customer_count` includes those left out."""

    groups: list[Group]
    measured: Answer
    customer_count: int
    suppressed_count: int
    currency: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which extract."""

    venue_id: UUID | None
    k: int
    quasi_identifiers: tuple[str, ...]
    sensitive: str
    currency: str = ""


class Datasets:
    """Extracts within a scope.

    Args:
        store: Reads people.
        venues: Venues of every tenant.
        grouper: Calculates groups.
    """

    def __init__(self, store: DatasetStore, venues: Venues, grouper: Grouper) -> None:
        self._store = store
        self._venues = venues
        self._grouper = grouper

    async def make(self, scope: TenantScope, wanted: Wanted) -> Dataset:
        """The extract, generalised as little as the groups allow.

        Raises:
            VenueNotFound: The scope does not have the venue.
            DatasetTooLarge: It has more people than an answer holds.
            DatasetsBusy: Others are being calculated.
            DependencyUnavailable: The calculation died.
        """
        venue_ids = [] if wanted.venue_id is None else [wanted.venue_id]
        clock = await clock_of(self._venues, scope, venue_ids)
        extract = await self._store.extract(
            scope, wanted.venue_id, currency=wanted.currency, zone=clock.key, limit=MOST_PEOPLE + 1
        )
        if len(extract.people) > MOST_PEOPLE:
            raise DatasetTooLarge("name a venue with fewer customers", limit=MOST_PEOPLE)
        return await self._grouped(extract.people, extract.currency, wanted)

    async def _grouped(self, people: Sequence[Person], currency: str, wanted: Wanted) -> Dataset:
        tables = [_table(name, people) for name in wanted.quasi_identifiers]
        sensitive = _labels(wanted.sensitive, people)
        measured = await self._grouper.ask(
            Question(
                k=wanted.k,
                codes=[table.column.codes.tolist() for table in tables],
                positions=[
                    None if table.column.positions is None else table.column.positions.tolist()
                    for table in tables
                ],
                sensitive=coded(sensitive, on_a_line=False)[0].codes.tolist(),
            )
        )
        groups = [_group(rows, tables, sensitive) for rows in measured.groups]
        groups.sort(key=lambda group: [(one.words, one.low, one.high) for one in group.described])
        kept = sum(group.customer_count for group in groups)
        return Dataset(groups, measured, len(people), len(people) - kept, currency)


@dataclass(frozen=True, slots=True)
class _Table:
    name: str
    column: Column
    values: list[Value]
    unknown: Value

    def described(self, rows: Sequence[int]) -> Described:
        codes = sorted({int(self.column.codes[row]) for row in rows})
        return KINDS[self.name].described([self.values[code] for code in codes], self.unknown)


def _table(name: str, people: Sequence[Person]) -> _Table:
    kind = KINDS[name]
    values, unknown = kind.values(people)
    column, distinct = coded(values, on_a_line=kind.on_a_line)
    return _Table(name, column, distinct, unknown)


def _labels(name: str, people: Sequence[Person]) -> list[str]:
    kind = KINDS[name]
    values, unknown = kind.values(people)
    return [UNKNOWN if value == unknown else kind.label(value) for value in values]


def _group(rows: Sequence[int], tables: Sequence[_Table], sensitive: Sequence[str]) -> Group:
    counts = Counter(sensitive[row] for row in rows)
    return Group(tuple(table.described(rows) for table in tables), len(rows), counts)
