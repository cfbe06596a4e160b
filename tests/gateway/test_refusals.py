"""One error shape, whoever refuses: Envoy, its transcoder, or the service."""

import grpc
import httpx
import pytest
from tickettoken.metrics.v1 import metrics_service_pb2_grpc, recording_pb2

from libs.common.rpc.status import error_info_from
from tests.gateway.front import VENUE, Front, error_of, fields_of

GOOD = {"metricType": "queue", "value": 1, "venueId": VENUE}
WINDOW = {"startDate": "2026-01-01T00:00:00Z", "endDate": "2026-01-02T00:00:00Z"}
SERIES = f"/api/metrics/{VENUE}"
POST, GET = "POST", "GET"

# name: verb, path, options of the request, status, reason, the field that is named (None: there is none)
REFUSALS = {
    "malformed JSON": (POST, "/api/metrics", {"content": '{"metricType": }'}, 400, "REQUEST_MALFORMED", None),
    "unfinished JSON": (
        POST,
        "/api/metrics",
        {"content": '{"metricType": "a'},
        400,
        "REQUEST_MALFORMED",
        None,
    ),
    "list for a message": (POST, "/api/metrics", {"json": []}, 400, "REQUEST_MALFORMED", None),
    "number for a text": (
        POST,
        "/api/metrics",
        {"json": GOOD | {"metricType": 5}},
        400,
        "REQUEST_MALFORMED",
        "metricType",
    ),
    "text for a number": (
        POST,
        "/api/metrics",
        {"json": GOOD | {"value": "a"}},
        400,
        "REQUEST_MALFORMED",
        "value",
    ),
    "object for a text": (
        POST,
        "/api/metrics",
        {"json": GOOD | {"metricType": {}}},
        400,
        "REQUEST_MALFORMED",
        "metricType",
    ),
    "no time": (
        POST,
        "/api/metrics",
        {"json": GOOD | {"timestamp": "noon"}},
        400,
        "REQUEST_MALFORMED",
        "timestamp",
    ),
    "bad row": (
        POST,
        "/api/metrics/bulk",
        {"json": {"metrics": [GOOD, GOOD | {"value": "a"}]}},
        400,
        "REQUEST_MALFORMED",
        "metrics[1].value",
    ),
    "object in a map": (
        POST,
        "/api/metrics",
        {"json": GOOD | {"dimensions": {"a": {}}}},
        400,
        "REQUEST_MALFORMED",
        None,
    ),
    "broken text in the path": (GET, "/api/metrics/%FF", {}, 400, "REQUEST_MALFORMED", None),
    "unknown query field": (
        GET,
        SERIES,
        {"params": WINDOW | {"colour": "red"}},
        400,
        "REQUEST_MALFORMED",
        "colour",
    ),
    "text for a page size": (
        GET,
        SERIES,
        {"params": {"pageSize": "many"}},
        400,
        "REQUEST_MALFORMED",
        "pageSize",
    ),
    "escaped slash": (GET, "/api/metrics/a%2Fb", {}, 400, "REQUEST_MALFORMED", None),
    "header with underscore": (
        GET,
        SERIES,
        {"headers": {"x_tenant_id": "1"}},
        400,
        "REQUEST_MALFORMED",
        None,
    ),
    "time limit that is none": (
        POST,
        "/api/metrics",
        {"json": GOOD, "headers": {"grpc-timeout": "soon"}},
        400,
        "REQUEST_MALFORMED",
        None,
    ),
    "compression that is none": (
        POST,
        "/api/metrics",
        {"json": GOOD, "headers": {"grpc-encoding": "zip"}},
        400,
        "REQUEST_MALFORMED",
        None,
    ),
    "unknown path": (GET, "/api/nothing/here", {}, 404, "ROUTE_NOT_FOUND", None),
    "path outside the API": (GET, "/admin", {}, 404, "ROUTE_NOT_FOUND", None),
    "wrong verb": ("PUT", "/api/metrics", {"json": GOOD}, 404, "ROUTE_NOT_FOUND", None),
    "method by its gRPC path": (
        POST,
        "/tickettoken.metrics.v1.MetricsService/RecordMetric",
        {"json": GOOD},
        404,
        "ROUTE_NOT_FOUND",
        None,
    ),
    "upgrade where none is": (
        GET,
        SERIES,
        {"headers": {"connection": "upgrade", "upgrade": "websocket"}},
        400,
        "REQUEST_MALFORMED",
        None,
    ),
    "huge header": (GET, SERIES, {"headers": {"x-big": "a" * 40_000}}, 431, "REQUEST_TOO_LARGE", None),
    "huge body": (POST, "/api/metrics", {"content": b" " * (8 * 2**20 + 1)}, 413, "REQUEST_TOO_LARGE", None),
    "missing value": (
        POST,
        "/api/metrics",
        {"json": {k: v for k, v in GOOD.items() if k != "value"}},
        400,
        "INVALID_FIELD",
        "value",
    ),
    "not a number": (POST, "/api/metrics", {"json": GOOD | {"value": "NaN"}}, 400, "INVALID_FIELD", "value"),
    "infinity": (POST, "/api/metrics", {"json": GOOD | {"value": "Infinity"}}, 400, "INVALID_FIELD", "value"),
    "300 characters": (
        POST,
        "/api/metrics",
        {"json": GOOD | {"metricType": "a" * 300}},
        400,
        "INVALID_FIELD",
        "metricType",
    ),
    "no UUID": (POST, "/api/metrics", {"json": GOOD | {"venueId": "here"}}, 400, "INVALID_FIELD", "venueId"),
    "10,001 rows": (
        POST,
        "/api/metrics/bulk",
        {"json": {"metrics": [{}] * 10_001}},
        400,
        "INVALID_FIELD",
        "metrics",
    ),
    "negative page size": (
        GET,
        SERIES,
        {"params": WINDOW | {"metricType": "queue", "pageSize": "-1"}},
        400,
        "INVALID_FIELD",
        "pageSize",
    ),
    "page size beyond 32 bits": (
        GET,
        SERIES,
        {"params": WINDOW | {"metricType": "queue", "pageSize": "99999999999"}},
        400,
        "REQUEST_MALFORMED",
        "pageSize",
    ),
    "number beyond a double": (
        POST,
        "/api/metrics",
        {"content": '{"metricType": "queue", "value": 1e999, "venueId": "' + VENUE + '"}'},
        400,
        "REQUEST_MALFORMED",
        None,
    ),
    "year beyond the calendar": (
        GET,
        SERIES,
        {"params": WINDOW | {"metricType": "queue", "endDate": "99999-01-01T00:00:00Z"}},
        400,
        "REQUEST_MALFORMED",
        "endDate",
    ),
    "nothing found": (
        GET,
        SERIES,
        {"params": WINDOW | {"metricType": "elsewhere"}},
        404,
        "VENUE_NOT_FOUND",
        None,
    ),
    "not written yet": (GET, f"{SERIES}/capacity", {}, 501, "METHOD_NOT_IMPLEMENTED", None),
    "store away": (
        POST,
        "/api/metrics",
        {"json": GOOD | {"metricType": "unavailable"}},
        503,
        "DEPENDENCY_UNAVAILABLE",
        None,
    ),
    "out of time": (
        POST,
        "/api/metrics",
        {"json": GOOD | {"metricType": "slow"}, "headers": {"grpc-timeout": "200m"}},
        504,
        "DEADLINE_EXCEEDED",
        None,
    ),
}
REACH_THE_SERVICE = {"nothing found", "store away", "out of time"}


@pytest.mark.parametrize("case", REFUSALS)
async def test_refusal_has_the_one_shape_and_names_the_field(front: Front, client, case):
    verb, path, options, status, reason, field = REFUSALS[case]

    answer = await client.request(verb, path, **options)

    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert error_of(answer.json())["reason"] == reason
    if field is not None:
        assert field in fields_of(answer.json())
        assert field in answer.json()["message"] or reason == "INVALID_FIELD"
    if case not in REACH_THE_SERVICE:
        assert front.seen.requests == []


async def test_call_out_of_time_has_its_reason_over_grpc_too(front: Front):
    metadata = (("authorization", f"Bearer {front.tokens.token()}"), ("grpc-timeout", "200m"))
    request = recording_pb2.RecordMetricRequest(metric_type="slow", value=1, venue_id=VENUE)

    async with front.channel() as channel:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await metrics_service_pb2_grpc.MetricsServiceStub(channel).RecordMetric(
                request, metadata=metadata
            )

    assert refused.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert error_info_from(refused.value).reason == "DEADLINE_EXCEEDED"


@pytest.mark.parametrize(
    ("header", "bad", "good"),
    [
        ("grpc-timeout", "soon", "9876m"),
        ("grpc-encoding", "zip", "identity"),
        ("grpc-previous-rpc-attempts", "some", "1"),
        ("grpc-trace-bin", "!", "AAAA"),
        ("grpc-tags-bin", "!", "AAAA"),
    ],
)
async def test_bad_header_of_one_call_spoils_no_other_call(client, header, bad, good):
    """Calls share connections to the service, whose gRPC keeps what it could not read."""
    await client.post("/api/metrics", json=GOOD, headers={header: bad})

    later = await client.post("/api/metrics", json=GOOD, headers={header: good})
    without = await client.post("/api/metrics", json=GOOD)

    assert later.status_code == 200, later.text
    assert without.status_code == 200, without.text


async def test_unknown_field_of_a_body_is_ignored(front: Front, client):
    answer = await client.post("/api/metrics", json=GOOD | {"colour": "red"})

    assert answer.status_code == 200


async def test_long_bad_value_is_not_repeated(client):
    answer = await client.post("/api/metrics", json=GOOD | {"value": "x" * 10_000})

    assert fields_of(answer.json()) == ["value"]
    assert len(answer.content) < 1000


async def test_zero_and_false_are_values_and_zeros_are_printed(front: Front, client):
    recorded = await client.post("/api/metrics", json=GOOD | {"value": 0})
    listed = await client.get(SERIES, params=WINDOW | {"metricType": "queue"})

    assert recorded.json()["verdict"]["index"] == 0
    assert front.seen.requests[0].HasField("value")
    assert listed.json()["buckets"] == [{"count": 0, "sum": 0}]
    assert listed.json()["nextPageToken"] == ""


async def test_largest_bulk_answer_is_not_an_error(client):
    answer = await client.post("/api/metrics/bulk", json={"metrics": [{}] * 10_000}, timeout=60)

    assert answer.status_code == 200, answer.text[:300]
    assert answer.json()["rejectedCount"] == 10_000
    assert len(answer.json()["verdicts"]) == 10_000


async def test_refusal_says_when_to_try_again(client):
    refused = await client.post("/api/metrics", json=GOOD | {"metricType": "unavailable"})
    refused_stream = await client.get(f"/api/realtime/venue/{VENUE}/stream", params={"resumeToken": "old"})

    for answer in (refused, refused_stream):
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "7"
        assert "7s" in [detail.get("retryDelay") for detail in answer.json()["details"]]


async def test_dead_service_is_named_and_comes_back(front: Front, client):
    await front.stop_service()
    try:
        answer = await client.post("/api/metrics", json=GOOD)
    finally:
        await front.start_service()

    assert answer.status_code == 503
    assert error_of(answer.json()) == {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": "DEPENDENCY_UNAVAILABLE",
        "domain": "tickettoken.dev",
        "metadata": {"dependency": "metrics"},
    }
    assert "127.0.0.1" not in answer.text
    again = await _until_ok(client)
    assert again.status_code == 200


async def _until_ok(client: httpx.AsyncClient) -> httpx.Response:
    for _ in range(100):
        answer = await client.post("/api/metrics", json=GOOD)
        if answer.status_code == 200:
            break
    return answer
