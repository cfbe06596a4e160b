"""Records metrics: judges rows, finds their series and waits for their commit."""

import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TypeVar

from google.protobuf.message import Message
from tickettoken.metrics.v1 import recording_pb2

from libs.common.context import Caller
from libs.common.rpc.claims import Claim
from services.metrics.live.keys import LiveKey
from services.metrics.recording import mapping
from services.metrics.recording.directory import SeriesDirectory
from services.metrics.recording.group import Outcome, Submission
from services.metrics.recording.queue import GroupCommit
from services.metrics.recording.rows import MetricRow, ReadRows, TimeLimits, read_rows

_Response = TypeVar("_Response", bound=Message)


class Recorder:
    """The use cases of recording.

    Args:
        directory: Finds and makes series.
        commits: Commits rows.
        retention_days: Age from which rows are refused.
    """

    def __init__(self, directory: SeriesDirectory, commits: GroupCommit, *, retention_days: int) -> None:
        self._directory = directory
        self._commits = commits
        self._retention_days = retention_days

    async def record(
        self, caller: Caller, claim: Claim | None, metric: recording_pb2.RecordMetricRequest
    ) -> recording_pb2.RecordMetricResponse:
        """The fate of one metric, once it is durable.

        Raises:
            AnalyticsError: The metric breaks a rule, or could not be stored.
        """
        rows = await self._read(caller, (metric,))
        if rows.refused:
            raise rows.refused[0]
        return await self._commit(
            caller, claim, rows, recording_pb2.RecordMetricResponse, mapping.record_response
        )

    async def record_many(
        self, caller: Caller, claim: Claim | None, metrics: Sequence[recording_pb2.MetricInput]
    ) -> recording_pb2.BulkRecordMetricsResponse:
        """The fate of every row, once the accepted ones are durable."""
        rows = await self._read(caller, metrics)
        respond = partial(mapping.bulk_response, len(rows), rows.refused)
        return await self._commit(caller, claim, rows, recording_pb2.BulkRecordMetricsResponse, respond)

    async def record_batch(
        self, caller: Caller, batch: recording_pb2.StreamMetricsRequest
    ) -> recording_pb2.StreamMetricsResponse:
        """The acknowledgement of a batch of a stream; waits while the queue is full."""
        rows = await self._read(caller, batch.metrics)
        respond = partial(mapping.stream_response, batch.sequence, len(rows), rows.refused)
        return await self._commit(
            caller,
            None,
            rows,
            recording_pb2.StreamMetricsResponse,
            respond,
            submit=self._commits.submit_in_turn,
        )

    async def _read(self, caller: Caller, metrics: Sequence[MetricRow]) -> ReadRows:
        rows = read_rows(
            metrics, TimeLimits.around(time.time_ns() // 1000, retention_days=self._retention_days)
        )
        resolution = await self._directory.resolve(caller.scope, rows.distinct_names())
        rows.refuse_series(resolution.refused)
        rows.series = resolution.found
        return rows

    async def _commit(
        self,
        caller: Caller,
        claim: Claim | None,
        rows: ReadRows,
        response_type: type[_Response],
        respond: Callable[[Outcome], _Response],
        *,
        submit: Callable[[Submission], Awaitable[Message]] | None = None,
    ) -> _Response:
        if claim is None and len(rows.refused) == len(rows):
            return respond(Outcome())
        submission = Submission(
            tenant_id=caller.tenant_id,
            rows=rows.columns(),
            live_keys={one.series_id: LiveKey(one.venue_id, one.metric_type) for one in rows.series.values()},
            claim=claim,
            respond=respond,
            replay=response_type.FromString,
        )
        response = await (submit or self._commits.submit)(submission)
        assert isinstance(response, response_type)
        return response
