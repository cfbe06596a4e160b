"""Raw events of one person: found, and rewritten when the person is erased."""

from typing import Final
from uuid import UUID

from libs.common.context import current_caller
from libs.common.erasure.persons import renamed
from libs.common.mongo import Document
from services.metrics.raw_events.documents import document_of, event_of, people_of
from services.metrics.raw_events.store import RawEventStore

_AT_ONCE: Final = 500


async def rename_person(store: RawEventStore, customer_id: UUID, pseudonym: UUID) -> int:
    """Put a pseudonym in a person's place in the current caller's events; returns how many named them.

    Events that say nothing but who the person is are deleted. Whoever writes must already be unable to add
    any. May be repeated: what was rewritten no longer names the person.

    Raises:
        DependencyUnavailable: MongoDB is not reachable.
    """
    tenant_id, pseudonyms = current_caller().tenant_id, {customer_id: pseudonym}
    await tell_people(store, tenant_id)
    count = 0
    while documents := await store.naming(customer_id, limit=_AT_ONCE):
        rewritten = [_rewritten(one, tenant_id, pseudonyms) for one in documents]
        await store.replace([one for one in rewritten if one is not None])
        pairs = zip(documents, rewritten, strict=True)
        await store.delete([document["id"] for document, kept in pairs if kept is None])
        count += len(documents)
    return count


async def tell_people(store: RawEventStore, tenant_id: UUID) -> None:
    """Let documents of before that was kept say whom they name."""
    while documents := await store.of_untold_people(limit=_AT_ONCE):
        told = [one | {"people": people_of(event_of(one, tenant_id))} for one in documents]
        await store.replace(told)


def _rewritten(document: Document, tenant_id: UUID, pseudonyms: dict[UUID, UUID]) -> Document | None:
    event = renamed(event_of(document, tenant_id), pseudonyms)
    return None if event is None else document_of(event, document["stored_at"])
