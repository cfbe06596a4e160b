"""Profiles as messages of the contract."""

from datetime import UTC, datetime
from fractions import Fraction
from typing import Final

from google.protobuf.timestamp_pb2 import Timestamp
from tickettoken.common.v1 import money_pb2
from tickettoken.customers.v1 import profile_pb2

from libs.common.amounts import money_message
from libs.common.moments import timestamp_of
from services.customers.lifetime.reader import LifetimeValue
from services.customers.people.identity import identity_message
from services.customers.people.reader import Person
from services.customers.preferences.preferences import Preferences
from services.customers.profile.figures import Churn, Figures
from services.customers.profile.next_action import Situation, next_best_action
from services.customers.profile.spread import Spread
from services.customers.profile.store import Activity, Totals
from services.customers.rfm.reader import StoredScore

_LEAST_EVIDENCE: Final = 3


def figures_message(figures: Figures) -> profile_pb2.CustomerProfile:
    """Everything about a customer but who they are, and what follows from that and from the time."""
    score = figures.score
    return profile_pb2.CustomerProfile(
        customer_id=str(figures.customer_id),
        totals=[_totals_message(one, figures.spread) for one in figures.totals],
        first_purchase_time=timestamp_of(figures.first_purchase_at),
        last_purchase_time=timestamp_of(figures.last_purchase_at),
        activities=[_activity_message(one, figures.spread) for one in figures.activities],
        score=None if score is None else _score_message(score),
        status="" if score is None else score.status,
        segments=[] if score is None else [score.segment],
        value=None if figures.value is None else _value_message(figures.value),
        churn=None if figures.churn is None else _churn_message(figures.churn),
        preferences=_preference_messages(figures.preferences),
        as_of=timestamp_of(figures.as_of),
    )


def completed(
    profile: profile_pb2.CustomerProfile, person: Person, *, now: datetime, shows_pii: bool
) -> profile_pb2.CustomerProfile:
    """The profile with who the customer is, as the caller may see it, and what to do next."""
    profile.identity.CopyFrom(identity_message(person, shows_pii=shows_pii))
    if person.marketing_consent is not None:
        profile.marketing_consent = person.marketing_consent
    if person.registered_at is not None:
        profile.registered_time.FromDatetime(person.registered_at)
    profile.registration_channel = person.channel
    action = next_best_action(_situation(profile, person, now))
    profile.next_best_action.action, profile.next_best_action.reason = action
    return profile


def _situation(profile: profile_pb2.CustomerProfile, person: Person, now: datetime) -> Situation:
    shows = [one.latest_show_time for one in profile.activities if one.HasField("latest_show_time")]
    has_churn = profile.HasField("churn")
    return Situation(
        now=now,
        marketing_consent=person.marketing_consent,
        segment=profile.score.segment,
        order_count=sum(one.order_count for one in profile.totals),
        last_purchase_at=_moment(profile.last_purchase_time)
        if profile.HasField("last_purchase_time")
        else None,
        latest_show_at=max(map(_moment, shows), default=None),
        churn_probability=profile.churn.churn_probability if has_churn else None,
        churn_horizon_days=profile.churn.horizon_days if has_churn else None,
    )


def _totals_message(totals: Totals, spread: Spread | None) -> profile_pb2.ProfileTotals:
    counted = None if spread is None else spread.spends.get(totals.currency)
    return profile_pb2.ProfileTotals(
        currency=totals.currency,
        order_count=totals.order_count,
        ticket_count=totals.ticket_count,
        refunded_ticket_count=totals.refunded_ticket_count,
        gross=money_message(totals.gross_minor, totals.currency),
        refunds=money_message(totals.refund_minor, totals.currency),
        spend=money_message(totals.spend_minor, totals.currency),
        average_order=_average(totals),
        spend_rank_ratio=None if counted is None else counted.rank_ratio(totals.spend_minor),
    )


def _average(totals: Totals) -> money_pb2.Money | None:
    if not totals.order_count:
        return None
    return money_message(round(Fraction(totals.spend_minor, totals.order_count)), totals.currency)


def _activity_message(activity: Activity, spread: Spread | None) -> profile_pb2.ProfileActivity:
    return profile_pb2.ProfileActivity(
        venue_id=str(activity.venue_id),
        venue_name=activity.venue_name or "",
        first_seen_time=timestamp_of(activity.first_seen_at),
        last_seen_time=timestamp_of(activity.last_seen_at),
        order_count=activity.order_count,
        ticket_count=activity.ticket_count,
        latest_show_time=timestamp_of(activity.latest_show_at),
        admitted_ticket_count=activity.admitted_ticket_count,
        attended_show_count=activity.attended_show_count,
        sent_ticket_count=activity.sent_ticket_count,
        received_ticket_count=activity.received_ticket_count,
        order_rank_ratio=None if spread is None else spread.orders.rank_ratio(activity.order_count),
    )


def _score_message(score: StoredScore) -> profile_pb2.ProfileScore:
    return profile_pb2.ProfileScore(
        recency_days=score.recency_days,
        order_count=score.frequency,
        spend=money_message(score.monetary_minor, score.currency),
        recency_score=score.r,
        frequency_score=score.f,
        monetary_score=score.m,
        segment=score.segment,
        computed_time=timestamp_of(score.scored_at),
    )


def _value_message(value: LifetimeValue) -> profile_pb2.ProfileValue:
    def money(amount_minor: int | None) -> money_pb2.Money | None:
        return None if amount_minor is None else money_message(amount_minor, value.currency)

    return profile_pb2.ProfileValue(
        historic=money(value.historic_minor),
        expected=money(value.expected_minor),
        low=money(value.low_minor),
        high=money(value.high_minor),
        basis=value.basis,
        model=value.model or "",
        computed_time=timestamp_of(value.computed_at),
    )


def _churn_message(churn: Churn) -> profile_pb2.ProfileChurn:
    return profile_pb2.ProfileChurn(
        churn_probability=churn.probability,
        horizon_days=churn.horizon_days,
        model=churn.model,
        computed_time=timestamp_of(churn.computed_at),
    )


def _preference_messages(preferences: Preferences) -> list[profile_pb2.ProfilePreference]:
    """Of each dimension the value bought most, where it stands out."""
    return [
        profile_pb2.ProfilePreference(
            dimension=dimension.name,
            value=first.value,
            evidence_count=first.evidence_count,
            lift=first.lift,
        )
        for dimension in preferences.dimensions
        for first in dimension.preferences[:1]
        if first.evidence_count >= _LEAST_EVIDENCE and first.lift is not None and first.lift > 1
    ]


def _moment(stamp: Timestamp) -> datetime:
    return stamp.ToDatetime(tzinfo=UTC)
