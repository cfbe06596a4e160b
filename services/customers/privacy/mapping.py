"""Erasures as the contract tells them."""

from tickettoken.customers.v1 import privacy_pb2

from libs.common.moments import timestamp_of
from services.customers.privacy.erasures import Erasure, Part


def erasure_message(erasure: Erasure) -> privacy_pb2.Erasure:
    """The receipt."""
    return privacy_pb2.Erasure(
        erasure_id=str(erasure.erasure_id),
        pseudonym=str(erasure.pseudonym),
        state="running" if erasure.completed_at is None else "complete",
        reason=erasure.reason,
        request_time=timestamp_of(erasure.requested_at),
        complete_time=timestamp_of(erasure.completed_at),
        services=map(_part_message, erasure.parts),
    )


def _part_message(part: Part) -> privacy_pb2.ErasurePart:
    return privacy_pb2.ErasurePart(
        service=part.service,
        state="waiting" if part.confirmed_at is None else "confirmed",
        touched_counts=part.touched,
        confirm_time=timestamp_of(part.confirmed_at),
    )
