"""Streams of every kind: checked message by message, closed in time, and never longer than their token."""

import asyncio
import time

import grpc

from libs.common.rpc.status import error_info_from
from tests.rpc.world import refused


async def collected(call):
    return [answer.text async for answer in call]


async def test_server_stream_is_answered_to_its_end(served):
    assert await collected(served.stub.Watch(served.say(), metadata=served.auth())) == ["first", "last"]
    assert served.servicer.closed.is_set()


async def test_client_stream_is_collected(served):
    async def requests():
        for text in ("a", "b"):
            yield served.say(text)

    assert (await served.stub.Collect(requests(), metadata=served.auth())).text == "a,b"


async def test_conversation_answers_each_message_as_it_comes(served):
    call = served.stub.Converse(metadata=served.auth())
    for text in ("a", "b"):
        await call.write(served.say(text))
        assert (await call.read()).text == text
    await call.done_writing()

    assert await call.read() is grpc.aio.EOF


async def test_every_message_of_a_client_stream_is_checked(served):
    call = served.stub.Converse(metadata=served.auth())
    await call.write(served.say("fine"))
    first = await call.read()
    await call.write(served.say("x" * 60))
    error = await refused(call.read())

    assert first.text == "fine"
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert error_info_from(error).reason == "INVALID_FIELD"


async def test_streams_need_a_token_and_a_permission(served):
    missing = await refused(collected(served.stub.Watch(served.say())))
    forbidden = await refused(
        collected(served.stub.Watch(served.say(), metadata=served.auth(permissions=["analytics.write"])))
    )

    assert error_info_from(missing).reason == "TOKEN_MISSING"
    assert error_info_from(forbidden).reason == "PERMISSION_MISSING"


async def test_invalid_request_of_a_server_stream_is_refused(served):
    error = await refused(collected(served.stub.Watch(served.say("x" * 60), metadata=served.auth())))

    assert error_info_from(error).reason == "INVALID_FIELD"


async def test_cancelled_stream_closes_its_generator(served):
    call = served.stub.Watch(served.say("forever"), metadata=served.auth())
    await call.read()
    call.cancel()

    async with asyncio.timeout(5):
        await served.servicer.closed.wait()


async def test_stream_ends_with_its_token(served):
    metadata = served.auth(exp=int(time.time()) + 2)
    started = time.monotonic()

    error = await refused(collected(served.stub.Watch(served.say("forever"), metadata=metadata)))

    assert error.code() is grpc.StatusCode.UNAUTHENTICATED
    assert error_info_from(error).reason == "TOKEN_EXPIRED"
    assert time.monotonic() - started < 20
    assert served.servicer.closed.is_set()


async def test_streams_refuse_idempotency_keys(served):
    error = await refused(served.stub.Collect(iter([]), metadata=(*served.auth(), ("idempotency-key", "k"))))

    assert error_info_from(error).reason == "IDEMPOTENCY_KEY_UNSUPPORTED"


async def test_stream_that_fails_after_messages_keeps_what_was_sent(served):
    call = served.stub.Watch(served.say("crash"), metadata=served.auth())

    assert (await call.read()).text == "first"
    assert (await refused(call.read())).details() == "internal error"
