"""Answers to recording calls."""

from collections.abc import Mapping
from typing import Final

from tickettoken.metrics.v1 import recording_pb2

from libs.common.errors import AnalyticsError
from services.metrics.recording.group import Outcome

_ACCEPTED: Final = "ACCEPTED"
_DUPLICATE: Final = "DUPLICATE"
_REJECTED: Final = "REJECTED"


def record_response(outcome: Outcome) -> recording_pb2.RecordMetricResponse:
    status = _DUPLICATE if outcome.duplicates else _ACCEPTED
    return recording_pb2.RecordMetricResponse(verdict=recording_pb2.Verdict(status=status))


def bulk_response(
    row_count: int, refused: Mapping[int, AnalyticsError], outcome: Outcome
) -> recording_pb2.BulkRecordMetricsResponse:
    """Counts, and the verdicts of the rows that were not stored in the order of the request."""
    return recording_pb2.BulkRecordMetricsResponse(
        accepted_count=row_count - len(refused) - len(outcome.duplicates),
        duplicate_count=len(outcome.duplicates),
        rejected_count=len(refused),
        verdicts=_verdicts(refused, outcome),
    )


def stream_response(
    sequence: int, row_count: int, refused: Mapping[int, AnalyticsError], outcome: Outcome
) -> recording_pb2.StreamMetricsResponse:
    """The acknowledgement of one batch."""
    return recording_pb2.StreamMetricsResponse(
        last_durable_sequence=sequence,
        accepted_count=row_count - len(refused) - len(outcome.duplicates),
        duplicate_count=len(outcome.duplicates),
        rejected_count=len(refused),
        verdicts=_verdicts(refused, outcome),
    )


def _verdicts(refused: Mapping[int, AnalyticsError], outcome: Outcome) -> list[recording_pb2.Verdict]:
    verdicts = [
        recording_pb2.Verdict(status=_REJECTED, reason=error.reason, message=error.message, index=index)
        for index, error in refused.items()
    ]
    verdicts += [recording_pb2.Verdict(status=_DUPLICATE, index=index) for index in outcome.duplicates]
    return sorted(verdicts, key=lambda verdict: verdict.index)
