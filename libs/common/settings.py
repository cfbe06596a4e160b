"""Settings that every process shares; a service adds its own fields and fixes the prefix of its variables."""

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

DEFAULT_RATE_LIMITS = {
    "read": "6000/minute",
    "write": "6000/minute",
    "bulk": "1200/minute",
    "stream": "600/minute",
    "admin": "600/minute",
    "public": "600/minute",
}


class ProcessSettings(BaseSettings):
    """What any process needs: where it listens, whom it trusts, how it logs. Secrets have no default."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    environment: str = Field("local", description="Name of the deployment, shown in logs and traces.")
    log_level: str = Field("INFO", description="Least severe level that is logged.")
    otlp_endpoint: str | None = Field(
        None, description="OTLP gRPC endpoint for traces; unset means no tracing."
    )
    listen_address: str = Field("127.0.0.1:0", description="gRPC address.")
    probe_address: str = Field("127.0.0.1:0", description="Plain gRPC health address for probes.")
    metrics_address: str = Field("127.0.0.1:0", description="Prometheus HTTP address.")
    drain_seconds: float = Field(10.0, description="Time that calls in progress get after SIGTERM.")
    drain_notice_seconds: float = Field(
        0.0,
        ge=0,
        description="Time between reporting NOT_SERVING and refusing new calls, for balancers to notice.",
    )
    default_deadline_seconds: float = Field(
        30.0, gt=0, description="Deadline of a unary call that states none."
    )
    longest_deadline_seconds: float = Field(
        300.0, gt=0, description="Longest deadline a unary call is given."
    )
    largest_request_bytes: int = Field(8 << 20, ge=1024, description="Largest request message.")

    jwks: str = Field(description="JWKS of user tokens: a file path or a URL.")
    internal_jwks: str = Field(description="JWKS of the services' own tokens: a file path or a URL.")
    jwt_issuer: str = Field(description="Required `iss` of user tokens.")
    jwt_audience: str = Field(description="Required `aud` of user and internal tokens.")
    jwt_algorithms: tuple[str, ...] = Field(
        ("RS256", "ES256", "EdDSA"), description="Accepted signature algorithms."
    )
    identity_key_path: str = Field(description="PEM private key that signs this service's internal tokens.")

    rate_limits: dict[str, str] = Field(
        default_factory=lambda: dict(DEFAULT_RATE_LIMITS),
        description="Calls of a principal by rate class, such as 100/second;3000/minute.",
    )
    trusted_proxies: tuple[str, ...] = Field(
        ("127.0.0.0/8", "::1/128"), description="Networks whose x-client-address header is believed."
    )

    redis_url: SecretStr = Field(description="Redis protocol URL: cache, rate limits, feeds.")

    tls_certificate_path: str | None = Field(None, description="PEM certificate chain; set it for (m)TLS.")
    tls_key_path: str | None = Field(None, description="PEM private key of the certificate.")
    tls_client_ca_path: str | None = Field(
        None, description="PEM authorities of client certificates; set it for mTLS."
    )


class StoreSettings(ProcessSettings):
    """Settings of a domain service: a process with a PostgreSQL database and a place on the event bus."""

    database_url: SecretStr = Field(
        description="PostgreSQL URL of the app role (no ownership, no BYPASSRLS)."
    )
    worker_database_url: SecretStr = Field(description="PostgreSQL URL of the worker role.")
    owner_database_url: SecretStr | None = Field(
        None, description="PostgreSQL URL of the owner role; `migrate` only."
    )
    database_pool_size: int = Field(8, ge=1, description="Connections of the app role a process may hold.")
    statement_timeout_seconds: float = Field(
        10.0, gt=0, description="Longest time one SQL statement may run."
    )
    mongo_url: SecretStr | None = Field(None, description="MongoDB URL, for services that use it.")
    bus_url: SecretStr = Field(
        description="Event bus: amqp://, amqps:// (RabbitMQ) or redis:// (Redis Streams)."
    )
    storage_url: str | None = Field(None, description="Object storage: file:///, s3://, gs:// or az:// URL.")
