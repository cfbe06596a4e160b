"""What a deployment decides about its gateway; everything else follows from the contracts."""

from pathlib import Path
from typing import Annotated, NamedTuple, Self

from pydantic import BeforeValidator, Field, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


class Address(NamedTuple):
    """A host name or IP address, and a port."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> "Address":
        """The address in `host:port`; no host means every interface.

        Raises:
            ValueError: There is no port.
        """
        host, _, port = text.rpartition(":")
        return cls(host.strip("[]") or "0.0.0.0", int(port))  # noqa: S104 - ":8080" says so


def _parsed(value: object) -> object:
    return Address.parse(value) if isinstance(value, str) else value


Endpoint = Annotated[Address, NoDecode, BeforeValidator(_parsed)]
OptionalEndpoint = Annotated[Address | None, NoDecode, BeforeValidator(_parsed)]

LOOPBACK = frozenset({"127.0.0.1", "::1"})


class EnvoyConfig(BaseSettings):
    """Settings of the gateway, from variables named `GATEWAY_*` or from keywords."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_prefix="GATEWAY_")

    listen_address: Endpoint = Field(
        Address("127.0.0.1", 8080), description="Where clients connect: HTTP/1.1 and HTTP/2."
    )
    upstreams: dict[str, Endpoint] = Field(
        description='gRPC address of each domain, as JSON: {"metrics": "host:port", "gateway": ...}. '
        "Services without an address are not served."
    )
    edge_http: Endpoint = Field(description="HTTP address of the edge process: documentation, WebSocket.")
    descriptors: Path = Field(Path("gen/descriptors.binpb"), description="Descriptor set of all services.")

    jwks: str = Field(description="JWKS of user tokens: a file path or a URL.")
    jwt_issuer: str = Field(description="Required `iss` of user tokens.")
    jwt_audience: str = Field(description="Required `aud` of user tokens.")

    cors_origins: tuple[str, ...] = Field(
        (), description="Origins whose pages may call the API; none by default."
    )
    trusted_proxies: int = Field(
        0, ge=0, description="Proxies before the gateway whose X-Forwarded-For is believed."
    )
    max_request_bytes: int = Field(8 * 1024 * 1024, gt=0, description="Largest JSON request body.")
    max_response_bytes: int = Field(
        64 * 1024 * 1024, gt=0, description="Largest JSON answer that is not a stream."
    )
    max_connections: int = Field(20_000, gt=0, description="Client connections that are open at once.")
    max_upstream_requests: int = Field(
        4_096, gt=0, description="Requests in flight to one service; more get 503."
    )

    admin_address: OptionalEndpoint = Field(
        None, description="Envoy's admin interface; loopback only, off when unset."
    )
    probe_address: OptionalEndpoint = Field(
        None, description="Serves /ready and /stats/prometheus of the admin interface."
    )
    otlp_endpoint: OptionalEndpoint = Field(
        None, description="OTLP gRPC collector for traces; unset means no tracing."
    )

    tls_certificate_path: str | None = Field(
        None, description="PEM certificate chain for clients; set it for TLS."
    )
    tls_key_path: str | None = Field(None, description="PEM private key of the certificate.")
    upstream_ca_path: str | None = Field(
        None, description="PEM authorities of the services; set it for TLS to them."
    )
    upstream_certificate_path: str | None = Field(
        None, description="PEM certificate shown to the services (mTLS)."
    )
    upstream_key_path: str | None = Field(None, description="PEM private key of that certificate.")

    @model_validator(mode="after")
    def _admin_stays_private(self) -> Self:
        if self.admin_address is not None and self.admin_address.host not in LOOPBACK:
            raise ValueError("admin_address must be a loopback address: its interface can stop the gateway")
        if self.probe_address is not None and self.admin_address is None:
            raise ValueError("probe_address needs admin_address: it shows two pages of it")
        return self

    @model_validator(mode="after")
    def _edge_is_known(self) -> Self:
        if "gateway" not in self.upstreams:
            raise ValueError('upstreams must name "gateway": the edge answers health')
        return self
