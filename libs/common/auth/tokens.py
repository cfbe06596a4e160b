"""Verification of bearer tokens: those of users, and the services' own."""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import jwt

from libs.common.auth.errors import AudienceMismatch, IssuerMismatch, TokenExpired, TokenInvalid, TokenMissing
from libs.common.auth.keysets import KeySet, VerificationKey
from libs.common.context import Caller, TenantScope
from libs.common.settings import ProcessSettings

LEEWAY_SECONDS = 60
_REMEMBERED = 20_000
_LONGEST_TOKEN = 16_384
_LONGEST_NAME = 255


@dataclass(frozen=True, slots=True)
class _Remembered:
    caller: Caller
    refused_from: float
    generations: tuple[int, int]


class TokenVerifier:
    """Turns a token into a Caller, or refuses it.

    A verified token is remembered (by its hash) until it expires or until keys change, so that signatures are
    checked once a token and not once a call.

    Args:
        user_keys: Keys of the issuer of users' tokens.
        internal_keys: Keys of the services; each has an owner.
        issuer: Required `iss` of users' tokens.
        audience: Required `aud` of every token.
        algorithms: Signature algorithms that are accepted; never `none` or a shared secret.
        remembered: How many verified tokens are remembered.
    """

    def __init__(
        self,
        *,
        user_keys: KeySet,
        internal_keys: KeySet,
        issuer: str,
        audience: str,
        algorithms: tuple[str, ...],
        remembered: int = _REMEMBERED,
    ) -> None:
        if forbidden := [name for name in algorithms if name.lower() == "none" or name.startswith("HS")]:
            raise ValueError(f"these algorithms cannot prove who signed: {', '.join(forbidden)}")
        self._user_keys = user_keys
        self._internal_keys = internal_keys
        self._issuer = issuer
        self._audience = audience
        self._algorithms = algorithms
        self._most_remembered = remembered
        self._remembered: OrderedDict[bytes, _Remembered] = OrderedDict()

    @classmethod
    def from_settings(cls, settings: ProcessSettings) -> "TokenVerifier":
        return cls(
            user_keys=KeySet.of(settings.jwks),
            internal_keys=KeySet.of(settings.internal_jwks),
            issuer=settings.jwt_issuer,
            audience=settings.jwt_audience,
            algorithms=settings.jwt_algorithms,
        )

    async def verify(self, token: str) -> Caller:
        """The caller that a token (without the word Bearer) stands for.

        Raises:
            TokenMissing: The token is empty.
            TokenExpired: It is older than its `exp` and the leeway of 60 s.
            AudienceMismatch: Its audience is not ours.
            IssuerMismatch: Its issuer is not trusted.
            TokenInvalid: Anything else is wrong with it.
            KeysUnavailable: No key could be read, ever.
        """
        if not token:
            raise TokenMissing("a bearer token is required")
        digest = hashlib.sha256(token.encode()).digest()
        return self._recall(digest) or await self._verify(token, digest)

    def _recall(self, digest: bytes) -> Caller | None:
        known = self._remembered.get(digest)
        if known is None:
            return None
        self._user_keys.look_again_when_old()
        self._internal_keys.look_again_when_old()
        if known.generations != self._generations or time.time() >= known.refused_from:
            del self._remembered[digest]
            return None
        self._remembered.move_to_end(digest)
        return known.caller

    @property
    def _generations(self) -> tuple[int, int]:
        return self._user_keys.generation, self._internal_keys.generation

    async def _verify(self, token: str, digest: bytes) -> Caller:
        if len(token) > _LONGEST_TOKEN:
            raise TokenInvalid("the token is too long")
        try:
            header = jwt.get_unverified_header(token)
            claimed = jwt.decode(token, options={"verify_signature": False})
        except (jwt.PyJWTError, ValueError, RecursionError) as error:
            raise TokenInvalid("the token is not a signed JWT") from error
        issuer = claimed.get("iss")
        key = await self._key(header, issuer)
        claims = self._claims(token, key, issuer)
        caller = _caller(claims, digest, actor=_actor(claims, key) if issuer != self._issuer else None)
        self._remembered[digest] = _Remembered(caller, claims["exp"] + LEEWAY_SECONDS, self._generations)
        if len(self._remembered) > self._most_remembered:
            self._remembered.popitem(last=False)
        return caller

    async def _key(self, header: Mapping[str, Any], issuer: object) -> VerificationKey:
        """The key the token names, from its issuer's set, if its algorithm is that key's and allowed."""
        key_id = header.get("kid")
        if header.get("alg") not in self._algorithms or not isinstance(key_id, str):
            raise TokenInvalid("the token's algorithm or key id is not accepted")
        key = await (self._user_keys if issuer == self._issuer else self._internal_keys).find(key_id)
        if key is None and issuer != self._issuer:
            raise IssuerMismatch("the token's issuer is not trusted")
        if key is None or key.algorithm != header["alg"]:
            raise TokenInvalid("the token is not signed by a trusted key")
        return key

    def _claims(self, token: str, key: VerificationKey, issuer: object) -> dict[str, Any]:
        try:
            return jwt.decode(
                token,
                key.key,
                algorithms=[key.algorithm],
                audience=self._audience,
                issuer=str(issuer),
                leeway=LEEWAY_SECONDS,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except jwt.ExpiredSignatureError as error:
            raise TokenExpired("the token has expired") from error
        except jwt.InvalidAudienceError as error:
            raise AudienceMismatch("the token is for another audience") from error
        except jwt.MissingRequiredClaimError as error:
            raise TokenInvalid(f"the token lacks the claim {error.claim}") from error
        except (jwt.PyJWTError, ValueError) as error:
            raise TokenInvalid("the token is not valid") from error


def _actor(claims: Mapping[str, Any], key: VerificationKey) -> str:
    """The service that signed: the key's owner, the issuer and the `act` claim must be the same."""
    act = claims.get("act")
    actor = act.get("sub") if isinstance(act, dict) else None
    if not isinstance(actor, str) or not key.owner or not (actor == key.owner == claims["iss"]):
        raise IssuerMismatch("the token's issuer does not own the key that signed it")
    return actor


def _caller(claims: Mapping[str, Any], digest: bytes, actor: str | None) -> Caller:
    subject = claims["sub"]
    if not isinstance(subject, str) or not 0 < len(subject) <= _LONGEST_NAME:
        raise TokenInvalid("the token's sub is not a name")
    # A grant that is there must be one: null is no way of saying "every venue".
    venue_ids = frozenset(_uuids(claims["venue_ids"], "venue_ids")) if "venue_ids" in claims else None
    return Caller(
        subject=subject,
        scope=TenantScope(
            tenant_id=_uuid(claims.get("tenant_id"), "tenant_id"),
            venue_ids=venue_ids,
        ),
        permissions=frozenset(_strings(claims.get("permissions", []), "permissions")),
        expires_at=datetime.fromtimestamp(claims["exp"], UTC),
        token_id=digest.hex()[:16],
        actor=actor,
    )


def _uuid(value: object, claim: str) -> UUID:
    try:
        parsed = UUID(value) if isinstance(value, str) else None
    except ValueError:
        parsed = None
    if parsed is None or str(parsed) != str(value).lower():
        raise TokenInvalid(f"the token's {claim} is not a UUID")
    return parsed


def _uuids(value: object, claim: str) -> list[UUID]:
    return [_uuid(item, claim) for item in _strings(value, claim)]


def _strings(value: object, claim: str) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise TokenInvalid(f"the token's {claim} is not a list of strings")
    return value
