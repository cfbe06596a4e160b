"""Who gets in, over gRPC: every refusal with its code and reason."""

import base64
import json
import time
from uuid import uuid4

import grpc
import jwt
import pytest

from libs.common.rpc.status import error_info_from
from tests.rpc.world import AUDIENCE, ISSUER, TENANT, refused

UNAUTHENTICATED = grpc.StatusCode.UNAUTHENTICATED


async def refusal(served, token: str | None, method: str = "Say") -> tuple[grpc.StatusCode, str]:
    metadata = () if token is None else (("authorization", f"Bearer {token}"),)
    error = await refused(getattr(served.stub, method)(served.say(), metadata=metadata))
    info = error_info_from(error)
    assert info is not None
    assert info.domain == "tickettoken.dev"
    return error.code(), info.reason


def encoded(content: dict) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


async def test_valid_token_is_answered_for_its_tenant(served):
    answer = await served.stub.Say(served.say(), metadata=served.auth())

    assert (answer.text, answer.tenant_id) == ("hello", str(TENANT))


async def test_missing_token_is_refused(served):
    assert await refusal(served, None) == (UNAUTHENTICATED, "TOKEN_MISSING")


async def test_other_scheme_is_a_missing_token(served):
    error = await refused(served.stub.Say(served.say(), metadata=(("authorization", "Basic dTpw"),)))

    assert error_info_from(error).reason == "TOKEN_MISSING"


async def test_token_expired_beyond_the_leeway_is_refused(served, keys):
    assert await refusal(served, keys.token(exp=int(time.time()) - 90)) == (UNAUTHENTICATED, "TOKEN_EXPIRED")


async def test_token_expired_within_the_leeway_is_accepted(served, keys):
    token = keys.token(exp=int(time.time()) - 30)

    assert (
        await served.stub.Say(served.say(), metadata=(("authorization", f"bearer {token}"),))
    ).text == "hello"


async def test_wrong_audience_is_refused(served, keys):
    assert await refusal(served, keys.token(aud="elsewhere")) == (UNAUTHENTICATED, "AUDIENCE_MISMATCH")


async def test_wrong_issuer_is_refused(served, keys):
    assert await refusal(served, keys.token(iss="https://evil.test")) == (UNAUTHENTICATED, "ISSUER_MISMATCH")


@pytest.mark.parametrize("claim", ["exp", "aud", "sub", "tenant_id"])
async def test_missing_claim_is_refused(served, keys, claim):
    code, reason = await refusal(served, keys.token(**{claim: None}))

    assert code is UNAUTHENTICATED
    assert reason in {"TOKEN_INVALID", "AUDIENCE_MISMATCH"}


@pytest.mark.parametrize("tenant", ["not-a-uuid", 7, str(TENANT).replace("-", ""), ""])
async def test_tenant_that_is_no_uuid_is_refused(served, keys, tenant):
    assert await refusal(served, keys.token(tenant_id=tenant)) == (UNAUTHENTICATED, "TOKEN_INVALID")


@pytest.mark.parametrize("permissions", ["analytics.read", [1], {"analytics.read": True}])
async def test_permissions_that_are_no_list_of_strings_are_refused(served, keys, permissions):
    assert await refusal(served, keys.token(permissions=permissions)) == (UNAUTHENTICATED, "TOKEN_INVALID")


async def test_alg_none_is_refused(served, keys):
    kid = jwt.get_unverified_header(keys.token())["kid"]
    claims = jwt.decode(keys.token(), options={"verify_signature": False})
    token = f"{encoded({'alg': 'none', 'typ': 'JWT', 'kid': kid})}.{encoded(claims)}."

    assert await refusal(served, token) == (UNAUTHENTICATED, "TOKEN_INVALID")


async def test_public_key_used_as_shared_secret_is_refused(served, keys):
    import hashlib
    import hmac

    document = json.loads(keys.jwks.read_text())["keys"][0]
    head = encoded({"alg": "HS256", "typ": "JWT", "kid": document["kid"]})
    body = encoded(jwt.decode(keys.token(), options={"verify_signature": False}))
    mac = hmac.new(keys.jwks.read_bytes(), f"{head}.{body}".encode(), hashlib.sha256).digest()
    signature = base64.urlsafe_b64encode(mac).rstrip(b"=").decode()

    assert await refusal(served, f"{head}.{body}.{signature}") == (UNAUTHENTICATED, "TOKEN_INVALID")


async def test_unknown_key_id_is_refused(served, keys):
    assert await refusal(served, keys.token(signer="stranger")) == (UNAUTHENTICATED, "TOKEN_INVALID")


async def test_missing_key_id_is_refused(served, keys):
    assert await refusal(served, keys.token(headers={"kid": None})) == (UNAUTHENTICATED, "TOKEN_INVALID")


async def test_strangers_signature_under_a_known_key_id_is_refused(served, keys):
    kid = jwt.get_unverified_header(keys.token())["kid"]

    assert await refusal(served, keys.token(signer="stranger", headers={"kid": kid})) == (
        UNAUTHENTICATED,
        "TOKEN_INVALID",
    )


async def test_changed_claims_under_an_old_signature_are_refused(served, keys):
    head, _, signature = keys.token().split(".")
    body = keys.token(tenant_id=str(uuid4())).split(".")[1]

    assert await refusal(served, f"{head}.{body}.{signature}") == (UNAUTHENTICATED, "TOKEN_INVALID")


@pytest.mark.parametrize("token", ["x", "a.b.c", "x" * 6_000, "....", "e30.e30.e30"])
async def test_garbage_is_refused(served, token):
    assert await refusal(served, token) == (UNAUTHENTICATED, "TOKEN_INVALID")


async def test_missing_permission_is_refused_before_anything_is_parsed(served, keys):
    error = await refused(
        served.stub.Say(served.say("x" * 1000), metadata=served.auth(permissions=["analytics.write"]))
    )

    assert error.code() is grpc.StatusCode.PERMISSION_DENIED
    assert error_info_from(error).reason == "PERMISSION_MISSING"
    assert error_info_from(error).metadata["permissions"] == "analytics.read"


async def test_forged_tenant_metadata_changes_nothing(served):
    forged = (("x-tenant-id", str(uuid4())), ("x-user-id", "root"), ("tenant_id", str(uuid4())))

    answer = await served.stub.Say(served.say(), metadata=(*served.auth(), *forged))

    assert answer.tenant_id == str(TENANT)


async def test_users_token_does_not_open_an_internal_method(served):
    error = await refused(served.stub.Restricted(served.say(), metadata=served.auth()))

    assert error.code() is grpc.StatusCode.PERMISSION_DENIED
    assert error_info_from(error).reason == "SERVICE_IDENTITY_REQUIRED"


async def test_users_issuer_cannot_claim_to_be_a_service(served, keys):
    token = keys.token(act={"sub": "metrics"})

    assert await refusal(served, token, "Restricted") == (
        grpc.StatusCode.PERMISSION_DENIED,
        "SERVICE_IDENTITY_REQUIRED",
    )


async def test_service_identity_opens_an_internal_method(served, keys):
    token = keys.identity("reporting").token(TENANT, ["analytics.read"])

    answer = await served.stub.Restricted(served.say(), metadata=(("authorization", f"Bearer {token}"),))

    assert answer.text == "reporting for service:reporting"


@pytest.mark.parametrize(
    ("signer", "issuer", "actor"),
    [
        ("reporting", "metrics", "metrics"),
        ("reporting", "reporting", "metrics"),
        ("reporting", ISSUER, "reporting"),
        ("user", "reporting", "reporting"),
        ("reporting", "reporting", None),
    ],
)
async def test_one_service_cannot_speak_for_another(served, keys, signer, issuer, actor):
    token = keys.token(signer=signer, iss=issuer, act=None if actor is None else {"sub": actor})

    code, reason = await refusal(served, token, "Restricted")

    assert code is UNAUTHENTICATED
    assert reason in {"ISSUER_MISMATCH", "TOKEN_INVALID"}


async def test_public_method_needs_no_token(served):
    assert (await served.stub.Open(served.say())).text == "hello"


async def test_unwritten_method_is_unimplemented_after_the_permission_check(served):
    refused_first = await refused(
        served.stub.Unwritten(served.say(), metadata=served.auth(permissions=["analytics.read"]))
    )
    unwritten = await refused(served.stub.Unwritten(served.say(), metadata=served.auth()))

    assert refused_first.code() is grpc.StatusCode.PERMISSION_DENIED
    assert unwritten.code() is grpc.StatusCode.UNIMPLEMENTED
    assert error_info_from(unwritten).reason == "METHOD_NOT_IMPLEMENTED"


async def test_unknown_method_is_unimplemented_with_a_reason(served):
    error = await refused(served.channel.unary_unary("/tickettoken.testing.v1.EchoService/Nothing")(b""))

    assert error.code() is grpc.StatusCode.UNIMPLEMENTED
    assert error_info_from(error).reason == "METHOD_NOT_IMPLEMENTED"


def test_audience_is_part_of_every_token(keys):
    claims = jwt.decode(keys.identity().token(TENANT, []), options={"verify_signature": False})

    assert claims["aud"] == AUDIENCE
    assert claims["act"] == {"sub": "metrics"}
