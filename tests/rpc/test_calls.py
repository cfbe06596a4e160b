"""What a call meets after it is admitted: rules, deadlines, and errors that say what they may and no more."""

import asyncio
import json
import time
from io import StringIO

import grpc
import pytest
import structlog
from google.rpc import error_details_pb2

from libs.common.errors import FieldViolation, InvalidField
from libs.common.observability.access import configure_access_log
from libs.common.observability.logging import configure_logging
from libs.common.rpc.status import error_info_from, status_from, status_of
from tests.rpc.world import echo_server, refused, some_uuid


def detail(error, kind):
    """The detail of one type that an error carries, or None."""
    for packed in status_from(error).details:
        found = kind()
        if packed.Unpack(found):
            return found
    return None


def bad_fields(error) -> set[str]:
    return {violation.field for violation in detail(error, error_details_pb2.BadRequest).field_violations}


async def test_every_bad_field_is_named_as_json_spells_it(served):
    good = served.messages.Item(venue_id=some_uuid(), box_office=served.messages.Owner(seat_count=0))
    bad = served.messages.Item(venue_id="nowhere", box_office=served.messages.Owner())

    error = await refused(
        served.stub.Say(
            served.say(
                "x" * 60, items=[good, bad, good, bad], named_items={"main": bad}, strict_value=float("nan")
            ),
            metadata=served.auth(),
        )
    )

    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert error_info_from(error).reason == "INVALID_FIELD"
    assert bad_fields(error) == {
        "text",
        "items[1].venueId",
        "items[1].boxOffice.seatCount",
        "items[3].venueId",
        "items[3].boxOffice.seatCount",
        'namedItems["main"].venueId',
        'namedItems["main"].boxOffice.seatCount',
        "strictValue",
    }
    assert served.servicer.calls == 0


async def test_missing_required_field_is_named(served):
    item = served.messages.Item(venue_id=some_uuid())

    error = await refused(served.stub.Say(served.say(items=[item]), metadata=served.auth()))

    assert bad_fields(error) == {"items[0].boxOffice"}


async def test_hundreds_of_bad_fields_fit_into_metadata_and_the_rest_is_counted(served):
    bad = served.messages.Item(venue_id="nowhere", box_office=served.messages.Owner())

    error = await refused(served.stub.Say(served.say(items=[bad] * 400), metadata=served.auth()))

    named = len(detail(error, error_details_pb2.BadRequest).field_violations)
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert named >= 30
    assert named + int(error_info_from(error).metadata["omitted_violations"]) == 800


async def test_bytes_that_are_no_message_are_an_invalid_argument(served):
    error = await refused(
        served.channel.unary_unary("/tickettoken.testing.v1.EchoService/Say")(
            b"\xff\xff", metadata=served.auth()
        )
    )

    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert error_info_from(error).reason == "REQUEST_MALFORMED"


@pytest.mark.parametrize("method", ["Say", "Watch"])
async def test_text_of_an_unexpected_exception_does_not_leak(served, method):
    call = getattr(served.stub, method)(served.say("crash"), metadata=served.auth())
    error = await refused(call if method == "Say" else drained(call))

    assert error.code() is grpc.StatusCode.INTERNAL
    assert error.details() == "internal error"
    assert "vault" not in str(status_from(error))
    assert error_info_from(error).reason == "INTERNAL"


async def drained(call):
    return [answer async for answer in call]


async def test_expected_refusal_carries_reason_metadata_and_preconditions(served):
    error = await refused(served.stub.Say(served.say("not today"), metadata=served.auth()))

    assert error.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert error_info_from(error).metadata["weekday"] == "monday"
    assert detail(error, error_details_pb2.PreconditionFailure).violations[0].type == "ECHO_NOT_TODAY"


async def test_request_id_of_the_caller_is_kept_and_nonsense_replaced(served):
    kept = await served.stub.Say(served.say(), metadata=(*served.auth(), ("x-request-id", "abc-123")))
    replaced = await served.stub.Say(served.say(), metadata=(*served.auth(), ("x-request-id", 'a b"{}')))

    assert kept.request_id == "abc-123"
    assert len(replaced.request_id) == 36


async def test_refusal_names_the_request_in_its_headers(served):
    call = served.stub.Say(served.say("crash"), metadata=(*served.auth(), ("x-request-id", "abc-123")))
    await refused(call)

    assert dict(await call.trailing_metadata())["x-request-id"] == "abc-123"


async def test_call_without_deadline_gets_the_default_one(keys):
    async with echo_server(keys, default_deadline_seconds=0.2) as served:
        started = time.monotonic()
        error = await refused(served.stub.Say(served.say("sleep"), metadata=served.auth()))

    assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert error_info_from(error).reason == "DEADLINE_EXCEEDED"
    assert time.monotonic() - started < 10


async def test_longest_deadline_bounds_the_callers_wish(keys):
    async with echo_server(keys, longest_deadline_seconds=0.2) as served:
        error = await refused(served.stub.Say(served.say("sleep"), metadata=served.auth(), timeout=100))

    assert error_info_from(error).reason == "DEADLINE_EXCEEDED"


async def test_callers_own_deadline_ends_the_handler(served):
    error = await refused(served.stub.Say(served.say("sleep"), metadata=served.auth(), timeout=0.2))

    assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED


async def test_access_log_is_one_json_line_without_secrets(served):
    lines = StringIO()
    configure_logging("echo", stream=lines)
    try:
        await served.stub.Say(
            served.say(), metadata=(*served.auth(), ("traceparent", f"00-{'a' * 32}-{'b' * 16}-01"))
        )
        structlog.get_logger().info(
            "told", password="hunter2", url="redis://:hunter2@h/0", text=served.keys.token()
        )
        async with asyncio.timeout(5):
            while lines.getvalue().count("\n") < 2:  # noqa: ASYNC110 - the writer has nobody to tell
                await asyncio.sleep(0.01)
    finally:
        structlog.reset_defaults()
        configure_access_log(None)

    call, told = sorted(map(json.loads, lines.getvalue().splitlines()), key=lambda line: line["event"])
    assert call["work"] == "/tickettoken.testing.v1.EchoService/Say"
    assert call["code"] == "OK"
    assert call["trace_id"] == "a" * 32
    assert call["tenant_id"] == "7f1b1c1e-0000-4000-8000-000000000001"
    assert call["milliseconds"] >= 0
    assert "hunter2" not in json.dumps(told)
    assert "eyJ" not in lines.getvalue()


def test_status_of_an_error_names_the_field_once():
    status = status_of(InvalidField("no", violations=[FieldViolation("venueId", "must be a UUID")]))

    assert [packed.type_url.rpartition(".")[2] for packed in status.details] == ["ErrorInfo", "BadRequest"]
