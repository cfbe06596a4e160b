"""Object storage of a tenant: local folder, S3, GCS or Azure behind the same few calls, digests checked."""

import hashlib
import re
from collections.abc import AsyncIterable, AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Self
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, ObjectStore, from_url

from libs.common.context import current_caller
from libs.common.errors import AnalyticsError, DependencyUnavailable, Kind

_NAME = re.compile(r"[A-Za-z0-9_.=-]+(/[A-Za-z0-9_.=-]+)*")
_CHUNK_BYTES = 1 << 20


class ObjectNotFound(AnalyticsError):
    """There is no such object for this tenant."""

    kind = Kind.NOT_FOUND
    reason = "OBJECT_NOT_FOUND"


class ObjectDamaged(AnalyticsError):
    """The bytes are not those that were stored: damaged, replaced, or cut short."""

    kind = Kind.INTERNAL
    reason = "OBJECT_DAMAGED"


@dataclass(frozen=True, slots=True)
class Stored:
    """What was written; keep the digest where the object's record is, to check it when reading."""

    name: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Listed:
    """One object of a listing."""

    name: str
    size_bytes: int
    modified_at: datetime


class Objects:
    """The current caller's objects: keys are `<tenant>/<name>`, the tenant is never an argument.

    Raises:
        LookupError: Any operation outside a call and outside `acting_as`.
        ValueError: A name that is no relative path of plain characters.
        DependencyUnavailable: The storage is not reachable.
    """

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    @classmethod
    def connect(cls, url: str, *, options: Mapping[str, Any] | None = None) -> Self:
        """The storage behind a URL: `file:///folder` (made when missing), `s3://`, `gs://` or `az://`.

        Args:
            url: Bucket or folder; a path on it is put before every key.
            options: Of the kind of storage, for example `aws_endpoint`, `aws_access_key_id`; what is missing
                comes from the environment as the vendor's own tools read it.
        """
        parts = urlsplit(url)
        if parts.scheme == "file":
            folder = Path(unquote(parts.path))
            folder.mkdir(parents=True, exist_ok=True)
            return cls(LocalStore(folder))
        return cls(from_url(url, **dict(options or {})))

    async def put(self, name: str, content: bytes | AsyncIterable[bytes]) -> Stored:
        """Write an object, replacing one of the same name only when all its bytes have arrived.

        Args:
            name: Path below the tenant, for example `exports/<id>.csv`.
            content: The bytes, or chunks of them; chunks are never all in memory.
        """
        chunks = _Digested(_pieces(content) if isinstance(content, bytes) else content)
        with _reaching_storage():
            await obstore.put_async(self._store, _key(name), aiter(chunks))
        return Stored(name, chunks.size_bytes, chunks.sha256.hexdigest())

    async def get(self, name: str, *, sha256: str | None = None) -> bytes:
        """All bytes of a small object.

        Raises:
            ObjectNotFound: There is none.
            ObjectDamaged: They do not have the digest.
        """
        return b"".join([chunk async for chunk in self.stream(name, sha256=sha256)])

    async def stream(self, name: str, *, sha256: str | None = None) -> AsyncIterator[bytes]:
        """The bytes in chunks of about 1 MiB.

        Args:
            name: Path below the tenant.
            sha256: What `put` returned; checked before the last chunk is given, so a reader that got all of
                them has the right ones.

        Raises:
            ObjectNotFound: There is none.
            ObjectDamaged: They do not have the digest.
        """
        with _reaching_storage():
            result = await obstore.get_async(self._store, _key(name))
            digest = hashlib.sha256()
            held: bytes | None = None
            async for chunk in result.stream(min_chunk_size=_CHUNK_BYTES):
                if held is not None:
                    yield held
                held = bytes(chunk)
                digest.update(held)
            if sha256 is not None and digest.hexdigest() != sha256:
                raise ObjectDamaged("a stored object is not what was written", name=name)
            if held is not None:
                yield held

    async def list(self, prefix: str = "") -> list[Listed]:
        """Objects whose name begins with this folder, by name."""
        tenant = f"{current_caller().tenant_id}/"
        folder = tenant + f"{_checked(prefix)}/" if prefix else tenant
        with _reaching_storage():
            found = [meta for batch in [b async for b in obstore.list(self._store, folder)] for meta in batch]
        listed = [
            Listed(meta["path"].removeprefix(tenant), meta["size"], meta["last_modified"]) for meta in found
        ]
        return sorted(listed, key=lambda one: one.name)

    async def delete(self, name: str) -> None:
        """Delete an object; one that is gone already is fine."""
        key = _key(name)
        with _reaching_storage():
            try:
                await obstore.delete_async(self._store, key)
            except FileNotFoundError:
                return
            except BaseError:
                # Some S3 servers delete, then answer what obstore cannot read: what counts is that it is gone
                if await self._holds(key):
                    raise

    async def _holds(self, key: str) -> bool:
        try:
            await obstore.head_async(self._store, key)
        except FileNotFoundError:
            return False
        return True

    async def check(self) -> None:
        """Return when the storage answers.

        Raises:
            DependencyUnavailable: It does not.
        """
        with _reaching_storage():
            async for _ in obstore.list(self._store, "health", chunk_size=1):
                break


class _Digested:
    """Passes chunks on and knows their digest and size afterwards."""

    def __init__(self, chunks: AsyncIterable[bytes]) -> None:
        self._chunks = chunks
        self.sha256 = hashlib.sha256()
        self.size_bytes = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._chunks:
            self.sha256.update(chunk)
            self.size_bytes += len(chunk)
            yield chunk


async def _pieces(content: bytes) -> AsyncIterator[bytes]:
    yield content


@contextmanager
def _reaching_storage() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise ObjectNotFound("there is no such object") from error
    except (BaseError, OSError) as error:
        raise DependencyUnavailable("the object storage is not reachable", dependency="storage") from error


def _key(name: str) -> str:
    return f"{current_caller().tenant_id}/{_checked(name)}"


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name) or any(part in {".", ".."} for part in name.split("/")):
        raise ValueError(f"not an object name: {name!r}")
    return name
