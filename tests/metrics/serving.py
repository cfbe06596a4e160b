"""Assertions on refusals that tests of the served methods share."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2

from libs.common.rpc.status import error_info_from, status_from


async def refused(call: Awaitable[Any]) -> tuple[str, str]:
    """Code and reason with which a call is refused."""
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await call
    info = error_info_from(refusal.value)
    return refusal.value.code().name, info.reason if info is not None else ""


async def bad_fields(call: Awaitable[Any]) -> list[str]:
    """Names of the fields that a call is refused for."""
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await call
    status = status_from(refusal.value)
    assert status is not None
    for detail in status.details:
        bad = error_details_pb2.BadRequest()
        if detail.Unpack(bad):
            return [violation.field for violation in bad.field_violations]
    return []


async def eventually_equal(
    ask: Callable[[], Awaitable[Any]], expected: object, *, within_seconds: float = 10
) -> bool:
    """Whether the answer becomes the expected one in time."""
    give_up_at = time.monotonic() + within_seconds
    while await ask() != expected:
        if time.monotonic() > give_up_at:
            return False
        await asyncio.sleep(0.1)
    return True
