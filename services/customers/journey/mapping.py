"""Journeys as messages of the contract."""

from tickettoken.common.v1 import money_pb2
from tickettoken.customers.v1 import journey_pb2

from libs.common.amounts import money_message
from libs.common.moments import timestamp_of
from services.customers.behavior.reader import Session, Step
from services.customers.journey.entries import Entry
from services.customers.journey.journey import Page


def journey_message(page: Page) -> journey_pb2.GetCustomerJourneyResponse:
    return journey_pb2.GetCustomerJourneyResponse(
        entries=[_entry_message(entry) for entry in page.entries],
        next_page_token=page.next_page_token,
        as_of=timestamp_of(max((entry.newest_fact_at for entry in page.entries), default=None)),
    )


def _entry_message(entry: Entry) -> journey_pb2.JourneyEntry:
    return journey_pb2.JourneyEntry(
        time=timestamp_of(entry.at),
        kind=entry.kind,
        id=entry.id,
        event_id="" if entry.event_id is None else str(entry.event_id),
        event_name=entry.event_name,
        order_id="" if entry.order_id is None else str(entry.order_id),
        session_id=entry.session_id,
        channel=entry.channel,
        ticket_count=entry.ticket_count,
        amount=_money(entry.amount_minor, entry.currency),
        campaign_id=entry.campaign_id,
        action=entry.action,
        session=None if entry.session is None else _session_message(entry.session),
    )


def _session_message(session: Session) -> journey_pb2.JourneySession:
    return journey_pb2.JourneySession(
        last_seen_time=timestamp_of(session.last_at),
        device_class=session.device_class,
        referrer=session.referrer,
        steps=[_step_message(step) for step in session.steps],
        has_more_steps=session.has_more_steps,
    )


def _step_message(step: Step) -> journey_pb2.JourneyStep:
    return journey_pb2.JourneyStep(
        time=timestamp_of(step.at),
        kind=step.kind,
        page=step.page,
        event_ids=[str(event_id) for event_id in step.event_ids],
        ticket_count=step.ticket_count,
        value=_money(step.value_minor, step.currency),
    )


def _money(amount_minor: int | None, currency: str) -> money_pb2.Money | None:
    return None if amount_minor is None else money_message(amount_minor, currency)
