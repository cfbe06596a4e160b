"""Scores of one customer of a running service, against naive recounts."""

from uuid import uuid4

from tickettoken.customers.v1 import rfm_pb2, segments_pb2

from tests.customers.people.shoppers import by, record
from tests.customers.rfm import comparing
from tests.customers.segments.season import creating
from tests.metrics.serving import refused
from tests.platform import events as make


async def test_a_customers_scores_are_told_with_their_measures(client, season):
    venue = season.venues[1]
    people, scores = season.at(venue)
    today = comparing.today_at(season.zones, season.now)

    for person, one in people.items():
        answer = await client.customers.GetRfm(
            rfm_pb2.GetRfmRequest(venue_id=str(venue), customer_id=str(person)), metadata=client.metadata
        )

        found = answer.scores
        assert (
            found.recency_score,
            found.frequency_score,
            found.monetary_score,
            found.segment,
        ) == scores[person]
        assert found.recency_days == (today - one["day"]).days
        assert found.order_count == one["orders"]
        assert (found.spend.amount_minor, found.spend.currency) == (one["spend"], one["currency"])
        assert {each.currency: each.amount_minor for each in found.other_spends} == one["others"]
        assert (found.window_days, found.ranked_customer_count) == (365, len(people))


async def test_whoever_never_bought_has_no_scores_and_strangers_are_not_found(
    client, customers_process, season, handler
):
    venue, guest = season.venues[0], uuid4()
    passed = make.ticket_transferred(season.tenant, venue, uuid4(), show=uuid4())
    await record(handler, [by(by(passed, season.people[0], "from_customer_id"), guest, "to_customer_id")])
    asked = rfm_pb2.GetRfmRequest(venue_id=str(venue), customer_id=str(guest))

    answer = await client.customers.GetRfm(asked, metadata=client.metadata)

    assert not answer.HasField("scores")
    unknown = rfm_pb2.GetRfmRequest(venue_id=str(venue), customer_id=str(uuid4()))
    assert await refused(client.customers.GetRfm(unknown, metadata=client.metadata)) == (
        "NOT_FOUND",
        "CUSTOMER_NOT_FOUND",
    )
    async with customers_process.client(uuid4()) as stranger:
        refusals = [
            await refused(stranger.customers.GetRfm(asked, metadata=stranger.metadata)),
            await refused(
                stranger.customers.CreateSegment(
                    creating(venue, "mine", ("order_count", ">=", 1)), metadata=stranger.metadata
                )
            ),
            await refused(
                stranger.insights.ListVenueCustomers(
                    segments_pb2.ListVenueCustomersRequest(venue_id=str(venue)), metadata=stranger.metadata
                )
            ),
        ]
    assert refusals == [("NOT_FOUND", "VENUE_NOT_FOUND")] * 3
