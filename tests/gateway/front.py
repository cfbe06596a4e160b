"""A gateway under test: real Envoy and a real edge before a server whose answers the tests decide."""

import asyncio
import time
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import grpc
import jwt
from tickettoken.customers.v1 import (
    campaigns_service_pb2,  # noqa: F401
    campaigns_service_pb2_grpc,
    customer_analytics_service_pb2,  # noqa: F401
    customer_analytics_service_pb2_grpc,
    customer_predictions_service_pb2,  # noqa: F401
    customer_predictions_service_pb2_grpc,
    customers_service_pb2,  # noqa: F401
    customers_service_pb2_grpc,
    insights_service_pb2,  # noqa: F401
    insights_service_pb2_grpc,
    privacy_service_pb2,  # noqa: F401
    privacy_service_pb2_grpc,
)
from tickettoken.metrics.v1 import (
    analytics_service_pb2,  # noqa: F401 - the generated registration does not load the services' descriptors
    analytics_service_pb2_grpc,
    ingest_service_pb2,  # noqa: F401
    ingest_service_pb2_grpc,
    live_pb2,
    metrics_service_pb2,  # noqa: F401
    metrics_service_pb2_grpc,
    realtime_service_pb2,  # noqa: F401
    realtime_service_pb2_grpc,
    recording_pb2,
    series_pb2,
)

from deploy.local.ports import free_port
from deploy.local.servers import Envoy
from gateway.edge.bootstrap import Edge
from gateway.edge.settings import EdgeSettings
from gateway.envoy import Address, EnvoyConfig, render
from libs.common.auth.keys import generate_private_key, jwks_document, load_private_key, public_jwk
from libs.common.auth.tokens import TokenVerifier
from libs.common.errors import DependencyUnavailable, VenueNotFound
from libs.common.rpc.server import RpcServer
from libs.common.settings import ProcessSettings

ISSUER = "https://issuer.test"
AUDIENCE = "tickettoken-test"
TENANT = UUID("11111111-1111-4111-8111-111111111111")
VENUE = "22222222-2222-4222-8222-222222222222"
PERMISSIONS = ("analytics.read", "analytics.write", "analytics.ingest", "analytics.admin")
DESCRIPTORS = Path("gen/descriptors.binpb")


@dataclass
class Tokens:
    """Signs users' tokens, good and bad ones."""

    folder: Path

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.key_path = self.folder / "user.pem"
        self.stranger_path = self.folder / "stranger.pem"
        self.jwks = self.folder / "jwks.json"
        self.internal_jwks = self.folder / "internal-jwks.json"
        self.identity = self.folder / "edge.pem"
        generate_private_key(self.key_path, "RS256")
        generate_private_key(self.stranger_path, "RS256")
        generate_private_key(self.identity, "ES256")
        self.jwks.write_text(jwks_document({self.key_path: None}))
        self.internal_jwks.write_text(jwks_document({self.identity: "edge"}))

    def claims(self, **changes: Any) -> dict[str, Any]:
        """Claims of a good token with some changed; None leaves one out."""
        good = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": "user-1",
            "tenant_id": str(TENANT),
            "permissions": list(PERMISSIONS),
            "exp": int(time.time()) + 600,
        }
        return {name: value for name, value in (good | changes).items() if value is not None}

    def token(self, *, key: Path | None = None, kid: str | None = None, **changes: Any) -> str:
        signer = load_private_key(key or self.key_path)
        key_id = kid or str(public_jwk(load_private_key(self.key_path))["kid"])
        return jwt.encode(self.claims(**changes), signer, "RS256", headers={"kid": key_id})

    def unsigned(self) -> str:
        return jwt.encode(self.claims(), None, "none")

    def with_shared_secret(self) -> str:
        """Signed by the published key used as an HMAC secret, the classic confusion of algorithms."""
        return jwt.encode(self.claims(), "x" * 64, "HS256", headers={"kid": "any"})

    def header(self, **changes: Any) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token(**changes)}"}


@dataclass
class Seen:
    """What reached the service."""

    requests: list[Any] = field(default_factory=list)
    metadata: dict[str, str] = field(default_factory=dict)
    attempts: int = 0

    def note(self, request: Any, context: Any) -> None:
        self.requests.append(request)
        self.metadata = dict(context.invocation_metadata())
        self.attempts += 1


class Metrics(metrics_service_pb2_grpc.MetricsServiceServicer):
    """Answers by the metric type it is asked for."""

    def __init__(self, seen: Seen) -> None:
        self._seen = seen

    async def RecordMetric(self, request, context):
        self._seen.note(request, context)
        if request.metric_type == "slow":
            await asyncio.sleep(10)
        if request.metric_type == "unavailable":
            raise DependencyUnavailable("no store", dependency="postgres", retry_after=timedelta(seconds=7))
        return recording_pb2.RecordMetricResponse(verdict=recording_pb2.Verdict(status="ACCEPTED"))

    async def BulkRecordMetrics(self, request, context):
        self._seen.note(request, context)
        rejected = recording_pb2.Verdict(status="REJECTED", reason="INVALID_FIELD", message="m" * 200)
        verdicts = []
        for index in range(len(request.metrics)):
            rejected.index = index
            verdicts.append(recording_pb2.Verdict.FromString(rejected.SerializeToString()))
        return recording_pb2.BulkRecordMetricsResponse(rejected_count=len(verdicts), verdicts=verdicts)

    async def ListMetrics(self, request, context):
        self._seen.note(request, context)
        if request.metric_type == "elsewhere":
            raise VenueNotFound("there is no such venue", venue_id=request.venue_id)
        if request.metric_type == "unavailable_once" and self._seen.attempts == 1:
            raise DependencyUnavailable("no store", dependency="postgres")
        return series_pb2.ListMetricsResponse(buckets=[series_pb2.MetricBucket()])

    async def StreamMetrics(self, requests, context):
        async for request in requests:
            yield recording_pb2.StreamMetricsResponse(last_durable_sequence=request.sequence)


class Realtime(realtime_service_pb2_grpc.RealtimeServiceServicer):
    """A feed with one message at once and the next when the test says so."""

    def __init__(self) -> None:
        self.go_on = asyncio.Event()

    async def WatchVenueMetrics(self, request, context):
        if request.resume_token == "old":
            raise DependencyUnavailable("no feed", dependency="redis", retry_after=timedelta(seconds=7))
        yield live_pb2.WatchVenueMetricsResponse(resume_token="first")
        await self.go_on.wait()
        closing = live_pb2.Closing(reason="TOKEN_EXPIRED", message="the end")
        yield live_pb2.WatchVenueMetricsResponse(resume_token="last", closing=closing)


class Front:
    """The gateway with everything around it; `url` and `grpc_target` are Envoy's."""

    def __init__(self, folder: Path, redis_url: str) -> None:
        self.tokens = Tokens(folder / "keys")
        self.seen = Seen()
        self.realtime = Realtime()
        trust = {
            "jwks": str(self.tokens.jwks),
            "internal_jwks": str(self.tokens.internal_jwks),
            "jwt_issuer": ISSUER,
            "jwt_audience": AUDIENCE,
            "identity_key_path": str(self.tokens.identity),
            "redis_url": redis_url,
            "drain_seconds": 0.2,
        }
        self._service_port, edge_http, edge_grpc = free_port(), free_port(), free_port()
        self._settings = ProcessSettings(**trust, listen_address=f"127.0.0.1:{self._service_port}")
        self.edge = Edge(
            EdgeSettings(
                **trust,
                listen_address=f"127.0.0.1:{edge_grpc}",
                http_address=f"127.0.0.1:{edge_http}",
                upstreams={"metrics": f"127.0.0.1:{self._service_port}"},
                descriptors=DESCRIPTORS,
                check_interval_seconds=0.1,
            )
        )
        self.config = EnvoyConfig(
            listen_address=Address("127.0.0.1", free_port()),
            upstreams={
                "metrics": Address("127.0.0.1", self._service_port),
                "customers": Address("127.0.0.1", self._service_port),
                "gateway": Address("127.0.0.1", edge_grpc),
            },
            edge_http=Address("127.0.0.1", edge_http),
            descriptors=DESCRIPTORS,
            jwks=str(self.tokens.jwks),
            jwt_issuer=ISSUER,
            jwt_audience=AUDIENCE,
            cors_origins=("https://console.example",),
            admin_address=Address("127.0.0.1", free_port()),
        )
        bootstrap = folder / "envoy.json"
        bootstrap.write_text(render(self.config))
        self._envoy = Envoy(
            folder / "envoy",
            port=self.config.listen_address.port,
            admin_port=self.config.admin_address.port,
            bootstrap=bootstrap,
            log=folder / "envoy.log",
        )

    @property
    def url(self) -> str:
        return self._envoy.url

    @property
    def grpc_target(self) -> str:
        return f"127.0.0.1:{self._envoy.port}"

    async def start(self) -> None:
        await self.start_service()
        await self.edge.start()
        await asyncio.to_thread(self._envoy.start)

    async def stop(self) -> None:
        await asyncio.to_thread(self._envoy.stop)
        await self.edge.close()
        await self.stop_service()

    async def start_service(self) -> None:
        self.service = RpcServer(
            settings=self._settings,
            service="metrics",
            verifier=TokenVerifier.from_settings(self._settings),
            rate_limiter=None,
            idempotency=None,
            dependencies={"postgres": self._store},
        )
        self.store_failure: Exception | None = None
        add = self.service.add
        add(metrics_service_pb2_grpc.add_MetricsServiceServicer_to_server, Metrics(self.seen))
        add(realtime_service_pb2_grpc.add_RealtimeServiceServicer_to_server, self.realtime)
        add(
            analytics_service_pb2_grpc.add_AnalyticsServiceServicer_to_server,
            analytics_service_pb2_grpc.AnalyticsServiceServicer(),
        )
        add(
            ingest_service_pb2_grpc.add_IngestServiceServicer_to_server,
            ingest_service_pb2_grpc.IngestServiceServicer(),
        )
        for add_customers, servicer in (
            (
                campaigns_service_pb2_grpc.add_CampaignsServiceServicer_to_server,
                campaigns_service_pb2_grpc.CampaignsServiceServicer,
            ),
            (
                customer_analytics_service_pb2_grpc.add_CustomerAnalyticsServiceServicer_to_server,
                customer_analytics_service_pb2_grpc.CustomerAnalyticsServiceServicer,
            ),
            (
                customer_predictions_service_pb2_grpc.add_CustomerPredictionsServiceServicer_to_server,
                customer_predictions_service_pb2_grpc.CustomerPredictionsServiceServicer,
            ),
            (
                customers_service_pb2_grpc.add_CustomersServiceServicer_to_server,
                customers_service_pb2_grpc.CustomersServiceServicer,
            ),
            (
                insights_service_pb2_grpc.add_InsightsServiceServicer_to_server,
                insights_service_pb2_grpc.InsightsServiceServicer,
            ),
            (
                privacy_service_pb2_grpc.add_PrivacyServiceServicer_to_server,
                privacy_service_pb2_grpc.PrivacyServiceServicer,
            ),
        ):
            add(add_customers, servicer())
        await self.service.start()

    async def stop_service(self) -> None:
        await self.service.close()

    async def _store(self) -> None:
        if self.store_failure is not None:
            raise self.store_failure

    def channel(self) -> grpc.aio.Channel:
        """A channel through the gateway."""
        return grpc.aio.insecure_channel(self.grpc_target)


def error_of(body: dict[str, Any]) -> dict[str, Any]:
    """The ErrorInfo of an error in the one shape, which is checked on the way."""
    assert set(body) == {"code", "message", "details"}, body
    assert isinstance(body["code"], int)
    assert body["message"]
    infos = [one for one in body["details"] if one["@type"] == "type.googleapis.com/google.rpc.ErrorInfo"]
    assert len(infos) == 1, body
    assert infos[0]["reason"]
    assert infos[0]["domain"]
    return infos[0]


def fields_of(body: dict[str, Any]) -> list[str]:
    """The bad fields that an error names."""
    requests = [one for one in body["details"] if one["@type"] == "type.googleapis.com/google.rpc.BadRequest"]
    return [violation["field"] for one in requests for violation in one["fieldViolations"]]
