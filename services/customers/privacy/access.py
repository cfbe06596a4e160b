"""Use case: everything held on a person, section after section, in pages."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple
from uuid import UUID

from libs.common.context import TenantScope
from libs.common.paging import Position
from libs.common.postgres.database import Database
from services.customers.errors import CustomerNotFound
from services.customers.people.masking import masked_city, masked_email, masked_name, masked_phone
from services.customers.privacy.access_store import SECTIONS, Asked, Data, Rows, rows_of
from services.customers.privacy.known_store import KnownStore, MetElsewhere

ReadSection = Callable[[Asked], Awaitable[Rows]]
"""Rows of one section with their keys, ascending; fewer than `limit` when there are no more."""


Mask = Callable[[Data], Data | None]
"""A record without what says who somebody is; None where nothing else is in it."""


def unchanged(data: Data) -> Data:
    """The mask of records that do not say who somebody is."""
    return data


class Section(NamedTuple):
    """A part of what is held: in which service, under which name, how it is read, and how it is masked."""

    service: str
    name: str
    read: ReadSection
    mask: Mask = unchanged


@dataclass(frozen=True, slots=True)
class Record:
    """One record that names the person."""

    service: str
    section: str
    data: Data


@dataclass(frozen=True, slots=True)
class Page:
    """Records, where to go on (None: nowhere), and the services that all pages together hold."""

    records: list[Record]
    position: Position | None
    services: tuple[str, ...]


class Access:
    """What is held on people.

    Args:
        database: The app role's database.
        sections: What other stores and services hold, in the order of the answer.
        met_elsewhere: Looks beyond PostgreSQL for people that only behaviour or touchpoints name.
    """

    def __init__(self, database: Database, sections: Sequence[Section], met_elsewhere: MetElsewhere) -> None:
        self._database = database
        self._met_elsewhere = met_elsewhere
        own = [Section(_SERVICE, name, self._reader(name), _MASKED.get(name, unchanged)) for name in SECTIONS]
        self._sections = (*own, *sections)

    async def page(
        self,
        scope: TenantScope,
        customer_id: UUID,
        after: Position | None,
        limit: int,
        *,
        shows_pii: bool,
    ) -> Page:
        """One page.

        Args:
            scope: What the caller may see.
            customer_id: The person.
            after: `position` of the page before; None: from the start.
            limit: Most records.
            shows_pii: Whether the caller may see who people are.

        Raises:
            CustomerNotFound: The scope does not see such a person.
            DependencyUnavailable: A store or service is not reachable: a part is never given as the whole.
        """
        await self._require(scope, customer_id)
        first, key = (0, "") if after is None else (int(str(after[0])), str(after[1]))
        records: list[Record] = []
        for at in range(first, len(self._sections)):
            section, room = self._sections[at], limit - len(records)
            asked = Asked(scope, customer_id, key if at == first else "", room)
            rows = await section.read(asked)
            records += self._records(section, rows, shows_pii=shows_pii)
            if len(rows) == room:
                return self._page(records, (at, rows[-1][0]))
        return self._page(records, None)

    def _page(self, records: list[Record], position: Position | None) -> Page:
        services = dict.fromkeys(section.service for section in self._sections)
        return Page(records, position, tuple(services))

    def _records(self, section: Section, rows: Rows, *, shows_pii: bool) -> list[Record]:
        told = (data if shows_pii else section.mask(data) for _, data in rows)
        return [Record(section.service, section.name, data) for data in told if data is not None]

    async def _require(self, scope: TenantScope, customer_id: UUID) -> None:
        async with self._database.transaction(scope) as conn:
            known = await KnownStore(conn, scope).get(customer_id)
        if known is None and (scope.venue_ids is not None or not await self._met_elsewhere(customer_id)):
            raise CustomerNotFound("no such customer")

    def _reader(self, name: str) -> ReadSection:
        async def read(asked: Asked) -> Rows:
            async with self._database.transaction(asked.scope) as conn:
                return await rows_of(conn, name, asked)

        return read


_SERVICE: Final = "customers"
_FIELDS: Final[Mapping[str, Callable[[str], str]]] = {
    "name": masked_name,
    "email": masked_email,
    "phone": masked_phone,
    "city": masked_city,
}


def _masked(data: Data) -> Data:
    masked = {field: _FIELDS[field](value) if field in _FIELDS else value for field, value in data.items()}
    return masked | {"tags": []}


def _nothing(_data: Data) -> None:
    """Words are parts of names and addresses: nothing is left of them."""


def _without(field: str) -> Mask:
    """Leaves out what people wrote as they liked."""
    return lambda data: {name: value for name, value in data.items() if name != field}


_MASKED: Final[Mapping[str, Mask]] = {
    "customers": _masked,
    "customer_words": _nothing,
    "insights": _without("dismiss_reason"),
    "insight_actions": _without("parameters"),
}
