"""Laws of a listing's history."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from libs.common.bus.revision import Revision
from services.metrics.marketplace.facts import ListingStatement
from services.metrics.marketplace.listings import Span, earliest_starts, listing_of, reach_hours
from tests.platform.events import NOON

LISTING = UUID(int=7)

hours = st.integers(0, 30)
statements = st.lists(
    st.builds(
        lambda version, hour, number, status: ListingStatement(
            listing_id=LISTING,
            revision=Revision(version, NOON + timedelta(hours=hour), UUID(int=number)),
            venue_id=LISTING,
            ticket_id=LISTING,
            event_id=LISTING,
            ticket_type_id=None,
            status=status,
            currency="EUR",
            price_minor=number,
            face_value_minor=None,
        ),
        st.integers(0, 3),
        hours,
        st.integers(1, 10**6),
        st.sampled_from(["active", "withdrawn"]),
    ),
    max_size=8,
    unique_by=lambda statement: statement.revision.event_id,
)
instants = st.datetimes(timezones=st.just(UTC))


@given(statements, st.none() | hours, st.randoms())
def test_the_order_of_statements_does_not_matter(told, closed_after, chance):
    closed_at = None if closed_after is None else NOON + timedelta(hours=closed_after)
    shuffled = chance.sample(told, len(told))

    assert listing_of(LISTING, shuffled, closed_at) == listing_of(LISTING, told, closed_at)


@given(statements, st.none() | hours)
def test_at_each_instant_the_greatest_revision_told_until_then_holds(told, closed_after):
    closed_at = None if closed_after is None else NOON + timedelta(hours=closed_after)
    spans = listing_of(LISTING, told, closed_at).spans

    for half_hours in range(64):
        at = NOON + timedelta(minutes=30 * half_hours)
        until_then = [one for one in told if one.stated_at <= at]
        holding = max(until_then, key=lambda one: one.revision, default=None)
        sold = closed_at is not None and closed_at <= at
        for_sale = [holding] if holding is not None and holding.status == "active" and not sold else []
        covering = [
            span for span in spans if span.starts_at <= at and (span.ends_at is None or at < span.ends_at)
        ]
        assert [span.terms for span in covering] == for_sale


@given(instants, st.none() | instants, instants)
def test_what_was_for_sale_is_filed_where_it_is_looked_for(one, other, until):
    starts_at, ends_at = (one, None) if other is None else sorted((one, other))
    span = Span(starts_at, ends_at, terms=None)

    found = any(
        reach == reach_hours(span) and earliest <= starts_at for reach, earliest in earliest_starts(until)
    )

    was_for_sale = starts_at < until and (ends_at is None or ends_at >= until)
    assert found or not was_for_sale


def test_the_longest_span_of_the_calendar_has_a_reach():
    span = Span(datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC), terms=None)

    assert reach_hours(span) in dict(earliest_starts(NOON))
