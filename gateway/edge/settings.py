"""Settings of the edge (variables start with EDGE_)."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from libs.common.settings import ProcessSettings


class EdgeSettings(ProcessSettings):
    """What the edge adds to any process's settings."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_prefix="EDGE_")

    http_address: str = Field("127.0.0.1:0", description="HTTP address: documentation and WebSocket.")
    upstreams: dict[str, str] = Field(
        default_factory=dict,
        description='gRPC target of each domain service, as JSON: {"metrics": "host:port"}.',
    )
    socket_origins: tuple[str, ...] = Field(
        (), description="Origins whose pages may open WebSockets, beside the gateway's own."
    )
    most_sockets: int = Field(20_000, ge=1, description="WebSockets this process serves at once.")
    socket_heartbeat_seconds: float = Field(
        15.0, gt=0, description="Silence on a WebSocket before a heartbeat."
    )
    slow_reader_seconds: float = Field(
        10.0, gt=0, description="Time a change may wait for the reader of a WebSocket."
    )
    descriptors: Path = Field(Path("gen/descriptors.binpb"), description="Descriptor set of all services.")
    check_interval_seconds: float = Field(
        5.0, gt=0, description="Time between two looks at a service's health."
    )
    check_timeout_seconds: float = Field(
        2.0, gt=0, description="Longest time a service may take to tell its health."
    )
