"""Use case: one customer's scores at a venue, with the moves that led there."""

from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from tickettoken.customers.v1 import rfm_pb2

from libs.common.catalog.venues import Venues
from libs.common.context import TenantScope
from libs.common.moments import timestamp_of
from services.customers.people.reader import PeopleReader
from services.customers.rfm.ledger import KEPT
from services.customers.rfm.mapping import moves_messages, scores_message
from services.customers.rfm.reader import ScoreReader

_MOST_MOVES: Final = 50


class ScoreAnswers:
    """Scores of customers for callers.

    Args:
        scores: Scores as they stand.
        people: Who people are, and who has dealt with which venue.
        venues: Venues of every tenant.
    """

    def __init__(self, scores: ScoreReader, people: PeopleReader, venues: Venues) -> None:
        self._scores = scores
        self._people = people
        self._venues = venues

    async def of_customer(
        self, scope: TenantScope, venue_id: UUID, customer_id: UUID
    ) -> rfm_pb2.GetRfmResponse:
        """The customer's scores at the venue, absent where there are none.

        Raises:
            VenueNotFound: The scope has no such venue.
            CustomerNotFound: They have not dealt with the venue.
        """
        await self._venues.require(scope, [venue_id])
        await self._people.require(scope, venue_id, customer_id)
        score = (await self._scores.scores(scope, [customer_id], venue_id=venue_id)).get(customer_id)
        since = datetime.now(UTC) - KEPT
        moves = await self._scores.moves(
            scope, customer_id, venue_id=venue_id, since=since, limit=_MOST_MOVES
        )
        return rfm_pb2.GetRfmResponse(
            customer_id=str(customer_id),
            scores=None if score is None else scores_message(score),
            moves=moves_messages(moves),
            as_of=timestamp_of(None if score is None else score.newest_fact_at),
        )
