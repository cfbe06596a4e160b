"""Which shows a stock of a window's end is about."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from uuid import UUID

from libs.common.postgres.database import Connection
from services.metrics.errors import TooManyEvents
from services.metrics.figures.answers import labelled
from services.metrics.figures.questions import FigureQuestion, Reach
from services.metrics.figures.store import MOST_SHOWS, KnownShow, select_open_shows, select_shows
from services.metrics.figures.vocabulary import EVENT, VENUE


def kind_of_stock(question: FigureQuestion) -> Hashable:
    """Questions of one kind differ only in venue and show, and in what comes before the window's end."""
    return (question.window.end, question.labels, question.venue_id is None, question.event_id is None)


async def shows_of(
    conn: Connection, tenant_id: UUID, questions: Sequence[FigureQuestion]
) -> dict[UUID, KnownShow]:
    """The shows asked about; where none is named, those that are neither cancelled nor over at the end.

    Raises:
        TooManyEvents: More shows than are read.
    """
    reach = Reach.of(questions)
    if reach.event_ids:
        return await select_shows(conn, tenant_id, reach.event_ids)
    found = await select_open_shows(conn, tenant_id, reach.venue_ids, questions[0].window.end)
    if len(found) > MOST_SHOWS:
        raise TooManyEvents(
            f"more than {MOST_SHOWS} shows to come: ask for a venue or a show", limit=MOST_SHOWS
        )
    return found


def by_label(
    question: FigureQuestion, shows: Iterable[KnownShow]
) -> Mapping[tuple[tuple[str, str], ...], list[KnownShow]]:
    """The shows of a question by its labels."""
    groups: dict[tuple[tuple[str, str], ...], list[KnownShow]] = {}
    for show in shows:
        if question.is_about(show.venue_id, show.event_id):
            labels = labelled(question.labels, {VENUE: show.venue_id, EVENT: show.event_id})
            groups.setdefault(tuple(labels.items()), []).append(show)
    return groups
