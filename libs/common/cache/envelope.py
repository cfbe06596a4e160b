"""A cached answer as bytes in Redis: signed, and stamped with the versions it was computed under."""

import hmac

VERSION_BYTES = 8
Versions = tuple[bytes, bytes]  # the tenant's and the namespace's
NEVER = bytes(VERSION_BYTES)
_MAC_BYTES = 16


class Envelope:
    """Signs answers so that who can write to Redis still cannot make a service say something.

    Args:
        key: 32 bytes, `derive_key(settings.identity_key_path, "cache")`.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key

    def close(self, name: str, versions: Versions, answer: bytes) -> bytes:
        """MAC, versions, answer; the MAC covers the key's name too, so that values cannot be swapped."""
        body = b"".join((*versions, answer))
        return self._mac(name, body) + body

    def open(self, name: str, versions: Versions, value: bytes) -> bytes | None:
        """The answer; None when a version has changed since.

        Raises:
            ValueError: The value was not made by this service for this key.
        """
        mac, body = value[:_MAC_BYTES], value[_MAC_BYTES:]
        if not hmac.compare_digest(mac, self._mac(name, body)):
            raise ValueError("a cached value has a wrong signature")
        if body[: 2 * VERSION_BYTES] != b"".join(versions):
            return None
        return body[2 * VERSION_BYTES :]

    def _mac(self, name: str, body: bytes) -> bytes:
        return hmac.digest(self._key, b"|".join((name.encode(), body)), "sha256")[:_MAC_BYTES]
