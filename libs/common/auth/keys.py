"""Signing keys as files: PEM private keys, and the JWKS document that lets others verify what they sign."""

import base64
import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey

_THUMBPRINT_MEMBERS = {"RSA": ("e", "kty", "n"), "EC": ("crv", "kty", "x", "y"), "OKP": ("crv", "kty", "x")}


def generate_private_key(path: Path, algorithm: str = "ES256") -> None:
    """Write a new private key as PEM that only its owner can read; never replaces a key.

    Args:
        path: Where the key goes; the folder exists.
        algorithm: RS256, ES256 or EdDSA.
    """
    key: PrivateKey
    if algorithm == "RS256":
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    elif algorithm == "ES256":
        key = ec.generate_private_key(ec.SECP256R1())
    elif algorithm == "EdDSA":
        key = ed25519.Ed25519PrivateKey.generate()
    else:
        raise ValueError(f"unknown signature algorithm {algorithm!r}")
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(pem)


def load_private_key(path: Path) -> PrivateKey:
    """The PEM private key of a file.

    Raises:
        ValueError: The file holds no RSA, EC P-256 or Ed25519 private key.
    """
    key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey):
        raise ValueError(f"{path}: not an RSA, EC or Ed25519 private key")
    return key


def signature_algorithm(key: PrivateKey) -> str:
    """The JWA name that fits the key: RS256, ES256 or EdDSA."""
    if isinstance(key, rsa.RSAPrivateKey):
        return "RS256"
    return "ES256" if isinstance(key, ec.EllipticCurvePrivateKey) else "EdDSA"


def public_jwk(key: PrivateKey, owner: str | None = None) -> dict[str, Any]:
    """The public half as a JWK whose `kid` is its RFC 7638 thumbprint.

    Args:
        key: The private key.
        owner: Name of the service that alone may sign with it; users' keys have none.
    """
    public = key.public_key()
    if isinstance(public, rsa.RSAPublicKey):
        jwk = RSAAlgorithm.to_jwk(public, as_dict=True)
    elif isinstance(public, ec.EllipticCurvePublicKey):
        jwk = ECAlgorithm.to_jwk(public, as_dict=True)
    else:
        jwk = OKPAlgorithm.to_jwk(public, as_dict=True)
    jwk = {name: value for name, value in jwk.items() if name != "key_ops"}
    jwk |= {"kid": thumbprint(jwk), "alg": signature_algorithm(key), "use": "sig"}
    return jwk | ({"owner": owner} if owner else {})


def thumbprint(jwk: Mapping[str, Any]) -> str:
    """Key id computed from the key itself.

    Source: RFC 7638, section 3.
    """
    members = {name: jwk[name] for name in _THUMBPRINT_MEMBERS[jwk["kty"]]}
    canonical = json.dumps(members, sort_keys=True, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(hashlib.sha256(canonical).digest()).rstrip(b"=").decode()


def jwks_document(keys: Mapping[Path, str | None]) -> str:
    """A JWKS of private key files, each with the service that owns it (None for the users' issuer)."""
    jwks = [public_jwk(load_private_key(path), owner) for path, owner in keys.items()]
    return json.dumps({"keys": jwks}, indent=2)
