"""Where verification keys come from: files that are replaced, URLs that fail; and remembered tokens."""

import asyncio
import json
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import jwt
import pytest

from libs.common.auth.errors import KeysUnavailable, TokenExpired, TokenInvalid, TokenMissing
from libs.common.auth.keys import (
    generate_private_key,
    jwks_document,
    load_private_key,
    public_jwk,
    thumbprint,
)
from libs.common.auth.keysets import KeySet
from libs.common.auth.tokens import LEEWAY_SECONDS, TokenVerifier
from tests.rpc.world import AUDIENCE, ISSUER, Keys


@pytest.fixture(params=["RS256", "ES256", "EdDSA"])
def keys(request, tmp_path):
    return Keys(tmp_path, request.param)


@pytest.fixture
def verifier(keys):
    return TokenVerifier(
        user_keys=KeySet.of(str(keys.jwks), cooldown_seconds=0),
        internal_keys=KeySet.of(str(keys.internal_jwks), cooldown_seconds=0),
        issuer=ISSUER,
        audience=AUDIENCE,
        algorithms=(keys.algorithm,),
        remembered=3,
    )


async def until(error: type[Exception], verifier: TokenVerifier, token: str) -> None:
    """Return when the token is refused that way."""
    async with asyncio.timeout(10):
        while True:
            try:
                await verifier.verify(token)
            except error:
                return
            await asyncio.sleep(0.05)


async def test_every_allowed_algorithm_is_verified(keys, verifier):
    caller = await verifier.verify(keys.token(sub="somebody"))

    assert caller.subject == "somebody"
    assert caller.actor is None


async def test_algorithm_outside_the_allow_list_is_refused(keys):
    others = tuple({"RS256", "ES256", "EdDSA"} - {keys.algorithm})
    verifier = TokenVerifier.from_settings(keys.settings(jwt_algorithms=others))

    with pytest.raises(TokenInvalid):
        await verifier.verify(keys.token())


@pytest.mark.parametrize("algorithm", ["none", "HS256"])
def test_verifier_without_proof_of_the_signer_is_not_built(tmp_path, algorithm):
    with pytest.raises(ValueError, match="cannot prove"):
        TokenVerifier.from_settings(Keys(tmp_path).settings(jwt_algorithms=("RS256", algorithm)))


async def test_remembered_token_is_refused_when_its_time_is_over(keys, verifier):
    token = keys.token(exp=int(time.time()) - LEEWAY_SECONDS + 2)
    first = await verifier.verify(token)
    assert await verifier.verify(token) is first

    await until(TokenExpired, verifier, token)


async def test_replaced_key_file_is_noticed_and_withdrawn_keys_stop_working(keys, verifier):
    old = keys.token()
    await verifier.verify(old)

    keys.jwks.write_text(jwks_document({keys.files["stranger"]: None}))
    new = keys.token(signer="stranger")

    assert (await verifier.verify(new)).subject == "user-1"
    await until(TokenInvalid, verifier, old)


async def test_unreadable_file_keeps_the_keys_that_were_read(keys, verifier):
    await verifier.verify(keys.token())

    keys.jwks.write_text("{ half a docum")
    with pytest.raises(TokenInvalid):
        await verifier.verify(keys.token(signer="stranger"))

    assert await verifier.verify(keys.token(sub="new"))


async def test_without_any_key_the_answer_is_unavailable_and_not_a_refusal(keys, tmp_path):
    verifier = TokenVerifier.from_settings(keys.settings(jwks=str(tmp_path / "missing.json")))

    with pytest.raises(KeysUnavailable):
        await verifier.verify(keys.token())


async def test_shared_secrets_and_encryption_keys_in_a_jwks_are_skipped(keys, tmp_path):
    mine = public_jwk(load_private_key(keys.files["user"]))
    document = {
        "keys": [{"kty": "oct", "kid": "a", "k": "c2VjcmV0"}, mine | {"use": "enc", "kid": "b"}, mine, 7, {}]
    }
    path = tmp_path / "mixed.json"
    path.write_text(json.dumps(document))

    found = [await KeySet.of(str(path)).find(kid) for kid in ("a", "b", mine["kid"])]

    assert [key is not None for key in found] == [False, False, True]


class _Jwks(BaseHTTPRequestHandler):
    document = b""
    failures = 0
    requests = 0

    def do_GET(self):
        type(self).requests += 1
        failing = type(self).failures > 0
        type(self).failures -= failing
        self.send_response(503 if failing else 200)
        self.end_headers()
        self.wfile.write(b"" if failing else self.document)

    def log_message(self, *_):
        """Silence."""


@pytest.fixture
def jwks_url(keys):
    handler = type("Jwks", (_Jwks,), {"document": keys.jwks.read_bytes()})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/jwks", handler
    server.shutdown()
    thread.join()
    server.server_close()


async def test_jwks_url_is_tried_again_and_then_asked_no_more(keys, jwks_url):
    url, handler = jwks_url
    handler.failures = 2
    verifier = TokenVerifier.from_settings(keys.settings(jwks=url))

    await asyncio.gather(*(verifier.verify(keys.token(sub=f"user-{n}")) for n in range(5)))

    assert handler.requests == 3


async def test_jwks_url_that_stays_down_is_asked_a_bounded_number_of_times(keys, jwks_url):
    url, handler = jwks_url
    handler.failures = 100
    verifier = TokenVerifier.from_settings(keys.settings(jwks=url))

    with pytest.raises(KeysUnavailable):
        await verifier.verify(keys.token())

    assert handler.requests == 3


async def test_tokens_with_unknown_keys_cannot_make_the_url_busy(keys, jwks_url):
    url, handler = jwks_url
    verifier = TokenVerifier.from_settings(keys.settings(jwks=url))
    await verifier.verify(keys.token())

    for number in range(10):
        with pytest.raises(TokenInvalid):
            await verifier.verify(keys.token(signer="stranger", sub=f"user-{number}"))

    assert handler.requests == 1


async def test_empty_token_is_missing(verifier):
    with pytest.raises(TokenMissing):
        await verifier.verify("")


async def test_memory_for_verified_tokens_is_bounded(keys, verifier):
    for number in range(6):
        await verifier.verify(keys.token(sub=f"user-{number}"))

    assert len(verifier._remembered) == 3


def test_thumbprint_is_the_published_example():
    # RFC 7638, section 3.1
    n = (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhM"
        "stn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
    )

    assert (
        thumbprint({"kty": "RSA", "n": n, "e": "AQAB", "alg": "RS256"})
        == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
    )


def test_private_keys_are_for_their_owner_only_and_never_replaced(tmp_path):
    path = tmp_path / "key.pem"
    generate_private_key(path)

    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError):
        generate_private_key(path)


def test_published_keys_hold_nothing_private(keys):
    for key in json.loads(keys.internal_jwks.read_text())["keys"]:
        assert not {"d", "p", "q", "dp", "dq", "qi"} & key.keys()
    assert jwt.get_unverified_header(keys.token())["alg"] == keys.algorithm
