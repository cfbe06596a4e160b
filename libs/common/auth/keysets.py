"""Public keys that tokens are checked with: a JWKS file that is watched, or a JWKS URL that is refreshed."""

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import jwt
import structlog

from libs.common.auth.errors import KeysUnavailable

_log = structlog.get_logger(__name__)

_COOLDOWN_SECONDS = 5.0
_REFRESH_SECONDS = 300.0
_ATTEMPTS = 3
_FETCH_TIMEOUT_SECONDS = 3.0
_LARGEST_DOCUMENT = 1 << 20


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """A public key; `owner` names the only service that may sign with it, None for users' issuers."""

    key: jwt.PyJWK
    algorithm: str
    owner: str | None


class JwksSource(Protocol):
    """Where a JWKS document comes from."""

    async def changed(self) -> bytes | None:
        """The document when it may differ from the last one, else None; OSError when it cannot be read."""
        ...


class KeySet:
    """Keys by their id, brought up to date when they get old or when a token names an unknown one.

    Keys that were read stay valid while the source is unreachable; `generation` grows when they change.
    """

    def __init__(self, source: JwksSource, *, refresh_seconds: float, cooldown_seconds: float) -> None:
        self._source = source
        self._refresh_seconds = refresh_seconds
        self._cooldown_seconds = cooldown_seconds
        self._keys: Mapping[str, VerificationKey] = {}
        self._document: bytes | None = None
        self._looked_at = float("-inf")
        self._lock = asyncio.Lock()
        self._refreshing: asyncio.Task[None] | None = None
        self.generation = 0

    @classmethod
    def of(cls, location: str, *, cooldown_seconds: float = _COOLDOWN_SECONDS) -> "KeySet":
        """The key set of a file path or an http(s) URL.

        Args:
            location: Where the JWKS document is.
            cooldown_seconds: Shortest time between two looks, however many unknown keys tokens name.
        """
        if location.startswith(("http://", "https://")):
            return cls(_Url(location), refresh_seconds=_REFRESH_SECONDS, cooldown_seconds=cooldown_seconds)
        return cls(_File(Path(location)), refresh_seconds=cooldown_seconds, cooldown_seconds=cooldown_seconds)

    async def find(self, key_id: str) -> VerificationKey | None:
        """The key of that id, or None when the source does not have it.

        Raises:
            KeysUnavailable: No key was ever read.
        """
        self.look_again_when_old()
        if key_id not in self._keys:
            await self._refresh(self._cooldown_seconds)
        return self._keys.get(key_id)

    def look_again_when_old(self) -> None:
        """Start reading the source in the background when it is time; known keys serve meanwhile."""
        if not self._keys or time.monotonic() - self._looked_at <= self._refresh_seconds:
            return
        if self._refreshing is None or self._refreshing.done():
            self._refreshing = asyncio.create_task(self._refresh(self._refresh_seconds))

    async def _refresh(self, oldest_seconds: float) -> None:
        async with self._lock:
            if self._keys and time.monotonic() - self._looked_at <= oldest_seconds:
                return
            try:
                document = await self._source.changed()
                if document is not None and document != self._document:
                    self._keys = _parsed(document)
                    self._document = document
                    self.generation += 1
            except (OSError, ValueError) as error:
                _log.warning("signing keys were not read", cause=str(error), known_keys=len(self._keys))
                if not self._keys:
                    raise KeysUnavailable("signing keys cannot be read") from error
            finally:
                self._looked_at = time.monotonic()


class _File:
    """A JWKS file; replaced files are noticed by their modification time and size."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int, int] | None = None

    async def changed(self) -> bytes | None:
        return await asyncio.to_thread(self._read)

    def _read(self) -> bytes | None:
        stat = self._path.stat()
        seen = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
        if seen == self._seen:
            return None
        document = self._path.read_bytes()
        self._seen = seen
        return document


class _Url:
    """A JWKS URL, asked at most three times with growing pauses."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def changed(self) -> bytes | None:
        import httpx

        async with httpx.AsyncClient(timeout=_FETCH_TIMEOUT_SECONDS) as client:
            for attempt in range(1, _ATTEMPTS + 1):
                try:
                    answer = await client.get(self._url, headers={"accept": "application/json"})
                    answer.raise_for_status()
                except httpx.HTTPError as error:
                    if attempt == _ATTEMPTS:
                        raise OSError(
                            f"no JWKS after {_ATTEMPTS} attempts: {type(error).__name__}"
                        ) from error
                    await asyncio.sleep(0.1 * 3**attempt)
                else:
                    if len(answer.content) > _LARGEST_DOCUMENT:
                        raise ValueError("the JWKS document is too large")
                    return answer.content
        raise AssertionError("unreachable: the last attempt returns or raises")


def _parsed(document: bytes) -> dict[str, VerificationKey]:
    """Asymmetric signature keys that have an id; everything else in the document is skipped."""
    content = json.loads(document)
    members = content.get("keys") if isinstance(content, dict) else None
    if not isinstance(members, list):
        raise ValueError("not a JWKS document")
    keys = {}
    for member in members:
        if (key := _verification_key(member)) is not None:
            keys[key[0]] = key[1]
    if not keys:
        raise ValueError("the JWKS document has no usable key")
    return keys


def _verification_key(member: Any) -> tuple[str, VerificationKey] | None:
    if not isinstance(member, dict) or not isinstance(member.get("kid"), str):
        return None
    if member.get("kty") == "oct" or member.get("use", "sig") != "sig":
        return None
    try:
        key = jwt.PyJWK(member)
    except jwt.PyJWTError:
        return None
    owner = member.get("owner")
    return member["kid"], VerificationKey(key, key.algorithm_name, owner if isinstance(owner, str) else None)
