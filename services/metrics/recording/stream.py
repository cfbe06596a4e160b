"""Acknowledges the batches of a metric stream in order while later ones are already being written."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from tickettoken.metrics.v1 import recording_pb2

from libs.common.context import Caller
from services.metrics.errors import SequenceNotGrowing
from services.metrics.recording.recorder import Recorder

_BATCHES_IN_FLIGHT: Final = 8

_Writing = asyncio.Task[recording_pb2.StreamMetricsResponse]


async def acknowledged(
    recorder: Recorder, caller: Caller, batches: AsyncIterator[recording_pb2.StreamMetricsRequest]
) -> AsyncIterator[recording_pb2.StreamMetricsResponse]:
    """One acknowledgement a batch, in the order of the batches.

    Reads ahead by a few batches only, so a sender that is faster than the database is slowed down by flow
    control.

    Raises:
        SequenceNotGrowing: A batch's sequence is not above the one before; what came earlier is acknowledged
            first.
    """
    writing: asyncio.Queue[_Writing] = asyncio.Queue(_BATCHES_IN_FLIGHT)
    reader = asyncio.create_task(_read(recorder, caller, batches, writing))
    try:
        while (batch := await _next(writing, reader)) is not None:
            yield await batch
        await reader
    finally:
        reader.cancel()
        while not writing.empty():
            writing.get_nowait().cancel()


async def _read(
    recorder: Recorder,
    caller: Caller,
    batches: AsyncIterator[recording_pb2.StreamMetricsRequest],
    writing: "asyncio.Queue[_Writing]",
) -> None:
    last = 0
    async for batch in batches:
        if batch.sequence <= last:
            raise SequenceNotGrowing(f"sequence: must be above {last}", sequence=batch.sequence)
        last = batch.sequence
        await writing.put(asyncio.create_task(recorder.record_batch(caller, batch)))


async def _next(writing: "asyncio.Queue[_Writing]", reader: "asyncio.Task[None]") -> _Writing | None:
    """The oldest batch that is not acknowledged, or None when the sender is done and so are we."""
    if writing.empty() and not reader.done():
        arrival = asyncio.create_task(writing.get())
        await asyncio.wait((arrival, reader), return_when=asyncio.FIRST_COMPLETED)
        if arrival.done():
            return arrival.result()
        arrival.cancel()
    return None if writing.empty() else writing.get_nowait()
