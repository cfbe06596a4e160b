"""Page sizes and opaque page tokens (AIP-158) that carry a keyset position, bound to tenant and filter."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from uuid import UUID

from google.protobuf.message import Message

from libs.common.errors import InvalidField
from libs.common.sealing import Seal, SealBroken

DEFAULT_PAGE_SIZE = 50
MAX_PAGE_SIZE = 1000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Value = str | float | UUID | datetime | None  # float includes int and bool
Position = tuple[Value, ...]


class PageTokenInvalid(InvalidField):
    """The page token is damaged, or was made for another tenant, method or filter."""

    reason = "PAGE_TOKEN_INVALID"


def page_size(requested: int, *, field: str = "pageSize") -> int:
    """How many rows a page gets: 50 for 0, at most 1000.

    Raises:
        InvalidField: It is negative.
    """
    if requested < 0:
        raise InvalidField.of(field, "must not be negative")
    return min(requested, MAX_PAGE_SIZE) if requested else DEFAULT_PAGE_SIZE


class PageTokens:
    """Makes and reads page tokens.

    A position is the sort key of a page's last row; the next page is `where (columns) > (position)`.

    Args:
        key: 32 bytes, `derive_key(settings.identity_key_path, "page-tokens")`.
    """

    def __init__(self, key: bytes) -> None:
        self._seal = Seal(key)

    def make(self, position: Position, *, tenant_id: UUID, request: Message) -> str:
        """The token that continues this request after `position`."""
        payload = json.dumps([_packed(value) for value in position], separators=(",", ":"))
        return self._seal.close(payload.encode(), bound_to=_binding(tenant_id, request))

    def read(self, *, tenant_id: UUID, request: Message, field: str = "pageToken") -> Position | None:
        """The position in `request.page_token`, or None for the first page.

        Raises:
            PageTokenInvalid: The token is not one that this tenant got for the same request.
        """
        token = getattr(request, "page_token")  # noqa: B009  a field of every paged request, unknown to mypy
        if not token:
            return None
        try:
            payload = self._seal.open(token, bound_to=_binding(tenant_id, request))
        except SealBroken as error:
            raise PageTokenInvalid.of(
                field, "not a token of an earlier answer to the same request; start without one"
            ) from error
        return tuple(_unpacked(value) for value in json.loads(payload))


def _binding(tenant_id: UUID, request: Message) -> bytes:
    """Tenant, method and filter; a page may change its size, so that is left out."""
    query = type(request)()
    query.CopyFrom(request)
    query.ClearField("page_token")
    query.ClearField("page_size")
    name = request.DESCRIPTOR.full_name.encode()
    filters = hashlib.sha256(query.SerializeToString(deterministic=True)).digest()
    return b"|".join((tenant_id.bytes, name, filters))


def _packed(value: Value) -> object:
    """JSON of one value; instants as exact microseconds, since a float would lose the last digits."""
    if isinstance(value, UUID):
        return {"u": value.hex}
    if isinstance(value, datetime):
        return {"t": (value - _EPOCH) // timedelta(microseconds=1)}
    return value


def _unpacked(value: object) -> Value:
    if isinstance(value, dict):
        if "u" in value:
            return UUID(hex=value["u"])
        return _EPOCH + timedelta(microseconds=value["t"])
    assert value is None or isinstance(value, str | int | float)
    return value
