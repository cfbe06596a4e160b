"""Who gets through the gateway, over REST and over gRPC."""

import time

import grpc
import pytest
from tickettoken.metrics.v1 import metrics_service_pb2_grpc, series_pb2

from libs.common.rpc.status import error_info_from
from tests.gateway.front import TENANT, VENUE, Front, error_of

BAD_TOKENS = {
    "missing": (lambda tokens: None, "TOKEN_MISSING"),
    "garbage": (lambda tokens: "abc.def.ghi", "TOKEN_INVALID"),
    "expired": (lambda tokens: tokens.token(exp=int(time.time()) - 120), "TOKEN_EXPIRED"),
    "without expiry": (lambda tokens: tokens.token(exp=None), "TOKEN_INVALID"),
    "wrong audience": (lambda tokens: tokens.token(aud="another"), "AUDIENCE_MISMATCH"),
    "wrong issuer": (lambda tokens: tokens.token(iss="https://evil.test"), "TOKEN_INVALID"),
    "alg none": (lambda tokens: tokens.unsigned(), "TOKEN_INVALID"),
    "unknown key": (lambda tokens: tokens.token(key=tokens.stranger_path, kid="nobody"), "TOKEN_INVALID"),
    "forged signature": (lambda tokens: tokens.token(key=tokens.stranger_path), "TOKEN_INVALID"),
    "shared secret": (lambda tokens: tokens.with_shared_secret(), "TOKEN_INVALID"),
}
PATH = f"/api/metrics/{VENUE}"


@pytest.mark.parametrize("case", BAD_TOKENS)
async def test_bad_token_is_refused_over_rest(front: Front, anonymous, case):
    make, reason = BAD_TOKENS[case]
    token = make(front.tokens)
    headers = {} if token is None else {"authorization": f"Bearer {token}"}

    answer = await anonymous.get(PATH, headers=headers)

    assert answer.status_code == 401
    assert answer.json()["code"] == grpc.StatusCode.UNAUTHENTICATED.value[0]
    assert error_of(answer.json())["reason"] == reason
    assert front.seen.requests == []


@pytest.mark.parametrize("case", BAD_TOKENS)
async def test_bad_token_is_refused_over_grpc(front: Front, case):
    make, reason = BAD_TOKENS[case]
    token = make(front.tokens)
    metadata = () if token is None else (("authorization", f"Bearer {token}"),)

    async with front.channel() as channel:
        stub = metrics_service_pb2_grpc.MetricsServiceStub(channel)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stub.ListMetrics(series_pb2.ListMetricsRequest(venue_id=VENUE), metadata=metadata)

    assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert error_info_from(refused.value).reason == reason
    assert front.seen.requests == []


async def test_token_in_the_address_is_not_a_token(front: Front, anonymous):
    answer = await anonymous.get(PATH, params={"access_token": front.tokens.token()})

    assert answer.status_code == 401


async def test_token_that_just_expired_is_within_the_leeway(front: Front, anonymous):
    headers = front.tokens.header(exp=int(time.time()) - 20)
    query = {"metricType": "queue", "startDate": "2026-01-01T00:00:00Z", "endDate": "2026-01-02T00:00:00Z"}

    answer = await anonymous.get(PATH, headers=headers, params=query)

    assert answer.status_code == 200, answer.text


async def test_token_without_a_tenant_is_refused_by_the_service(front: Front, anonymous):
    answer = await anonymous.get(PATH, headers=front.tokens.header(tenant_id=None))

    assert answer.status_code == 401
    assert error_of(answer.json())["reason"] == "TOKEN_INVALID"


async def test_identity_headers_of_the_client_never_reach_a_service(front: Front, client):
    forged = {
        "x-tenant-id": "99999999-9999-4999-8999-999999999999",
        "x-user-id": "root",
        "x-permissions": "analytics.admin",
        "x-venue-ids": "*",
        "x-envoy-original-path": "/health",
        "x-envoy-original-method": "GET",
    }

    answer = await client.post(
        "/api/metrics", json={"metricType": "queue", "value": 1, "venueId": VENUE}, headers=forged
    )

    assert answer.status_code == 200, answer.text
    for name in ("x-tenant-id", "x-user-id", "x-permissions", "x-venue-ids"):
        assert name not in front.seen.metadata
    assert front.seen.metadata["x-envoy-original-path"] == "/api/metrics"
    assert str(TENANT) not in front.seen.metadata.values()


async def test_forged_forwarding_headers_do_not_change_the_client_address(front: Front, client):
    body = {"metricType": "queue", "value": 1, "venueId": VENUE}

    for forged in ({"x-forwarded-for": "6.6.6.6"}, {"x-client-address": "6.6.6.6"}, {"x-real-ip": "6.6.6.6"}):
        await client.post("/api/metrics", json=body, headers=forged)

        assert front.seen.metadata["x-client-address"] == "127.0.0.1"


async def test_clients_cannot_set_the_gateways_own_time_limits(front: Front, client):
    forged = {"x-envoy-upstream-rq-timeout-ms": "1", "x-envoy-max-retries": "50"}

    answer = await client.post(
        "/api/metrics", json={"metricType": "queue", "value": 1, "venueId": VENUE}, headers=forged
    )

    assert answer.status_code == 200
    assert "x-envoy-max-retries" not in front.seen.metadata
