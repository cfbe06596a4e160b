"""Short payloads handed to clients that only this service can read back and trust.

Every replica of a service holds the same identity key; keys for other purposes are derived from it, so that
there is one secret to rotate. Rotating it ends all page tokens, resume tokens and cached values, which their
readers survive.
"""

import base64
import binascii
import os
from functools import lru_cache
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_NONCE_BYTES = 12
_LONGEST_TEXT = 4096
_LONGEST_PAYLOAD = 3000


@lru_cache(maxsize=64)
def derive_key(identity_key_path: str, purpose: str) -> bytes:
    """A 32-byte key for one purpose, the same in every process that has the same identity key.

    Args:
        identity_key_path: PEM private key, `ProcessSettings.identity_key_path`.
        purpose: For example "page-tokens"; other purposes get unrelated keys.
    """
    private = serialization.load_pem_private_key(Path(identity_key_path).read_bytes(), password=None)
    secret = private.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return HKDF(hashes.SHA256(), length=32, salt=None, info=purpose.encode()).derive(secret)


class SealBroken(ValueError):
    """The text was not sealed with this key for this use."""


class Seal:
    """Encrypts and authenticates short payloads (AES-256-GCM) as URL-safe text.

    Args:
        key: 32 bytes, from `derive_key`.
    """

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def close(self, payload: bytes, *, bound_to: bytes) -> str:
        """Opaque text that opens only with the same `bound_to` (who and what it is for; not stored in it).

        The payload is short: at most 3,000 bytes.
        """
        assert len(payload) <= _LONGEST_PAYLOAD, "too long for a token"
        nonce = os.urandom(_NONCE_BYTES)
        sealed = nonce + self._cipher.encrypt(nonce, payload, bound_to)
        return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()

    def open(self, text: str, *, bound_to: bytes) -> bytes:
        """The payload.

        Raises:
            SealBroken: Damaged, made with another key, or bound to something else.
        """
        if len(text) > _LONGEST_TEXT:
            raise SealBroken("longer than anything that was sealed")
        try:
            padded = text.encode("ascii") + b"=" * (-len(text) % 4)
            sealed = base64.b64decode(padded, altchars=b"-_", validate=True)
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], bound_to)
        except (UnicodeEncodeError, binascii.Error, InvalidTag, ValueError) as error:
            raise SealBroken("not sealed with this key for this use") from error
