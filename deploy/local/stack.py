"""What a local stack consists of: which services run, on which ports, with which settings."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from deploy.local.credentials import AUDIENCE, ISSUER, Credentials
from deploy.local.data_folder import DataFolder
from deploy.local.programs import REPOSITORY, Program, run_step
from deploy.local.servers import Envoy
from deploy.local.stores import Stores

DOMAIN_SERVICES = ("metrics", "customers")
EDGE = "edge"
_LISTENERS = ("grpc", "probe", "prometheus")
PORT_NAMES = (
    "gateway",
    "gateway_admin",
    "postgres",
    "redis",
    "mongo",
    "edge_http",
    *(f"{name}_{listener}" for name in (*DOMAIN_SERVICES, EDGE) for listener in _LISTENERS),
)


@dataclass(frozen=True, slots=True)
class Stack:
    """The processes of a stack and how others reach them; nothing is started here."""

    folder: DataFolder
    ports: Mapping[str, int]
    credentials: Credentials
    stores: Stores

    @property
    def gateway_url(self) -> str:
        return f"http://127.0.0.1:{self.ports['gateway']}"

    @property
    def grpc_targets(self) -> dict[str, str]:
        """Direct gRPC address of each process; through the gateway all of them share its port."""
        return {name: self._address(f"{name}_grpc") for name in (*DOMAIN_SERVICES, EDGE)}

    @property
    def urls(self) -> dict[str, str]:
        """URLs of the stores, passwords included."""
        found = {
            "postgres_admin": self.stores.postgres_admin_url,
            "redis": self.stores.redis_url,
            "bus": self.stores.bus_url,
            "mongo": self.stores.mongo_url,
            "storage": self.stores.storage_url,
        }
        if self.stores.influx_url:
            found["influx"] = self.stores.influx_url
        for service in DOMAIN_SERVICES:
            for role in ("owner", "app", "worker"):
                found[f"{service}_{role}"] = self.stores.role_url(service, role, self.credentials)
        return found

    def service_environment(self, service: str) -> dict[str, str]:
        """Settings of a domain service."""
        own = {
            "database_url": self.stores.role_url(service, "app", self.credentials),
            "worker_database_url": self.stores.role_url(service, "worker", self.credentials),
            "owner_database_url": self.stores.role_url(service, "owner", self.credentials),
            "mongo_url": self.stores.mongo_url,
            "bus_url": self.stores.bus_url,
            "storage_url": self.stores.storage_url,
        }
        if service == "metrics" and self.stores.influx_url:
            own["influx_url"] = self.stores.influx_url
        if service == "metrics":
            own["customers_target"] = self._address("customers_grpc")
        if service == "customers":
            own["metrics_target"] = self._address("metrics_grpc")
        return _variables(service, self._process_settings(service) | own)

    def prepare_database(self, service: str) -> None:
        """Make the service's database and roles where they are missing, and migrate it.

        Raises:
            ProcessFailed: It did not work.
        """
        environment = self.service_environment(service) | {
            "PROVISION_ADMIN_URL": self.stores.postgres_admin_url
        }
        log = self.folder.logs / "preparation.log"
        provision = ["deploy.provision", "database", service]
        run_step(f"database of {service}", provision, environment=environment, log=log)
        run_step(
            f"migration of {service}", [f"services.{service}", "migrate"], environment=environment, log=log
        )

    def services(self) -> list[Program]:
        """The domain services and the edge."""
        programs = [
            Program(
                service,
                [f"services.{service}", "all"],
                port=self.ports[f"{service}_grpc"],
                environment=self.service_environment(service),
                log=self.folder.logs / f"{service}.log",
            )
            for service in DOMAIN_SERVICES
        ]
        edge = Program(
            EDGE,
            ["gateway.edge"],
            port=self.ports["edge_http"],
            environment=_variables(EDGE, self._edge_settings()),
            log=self.folder.logs / f"{EDGE}.log",
        )
        return [*programs, edge]

    def gateway(self) -> Envoy:
        """Envoy, with its configuration written for these ports."""
        upstreams = {service: self._address(f"{service}_grpc") for service in DOMAIN_SERVICES}
        upstreams["gateway"] = self._address(f"{EDGE}_grpc")
        settings = {
            "listen_address": self._address("gateway"),
            "upstreams": json.dumps(upstreams),
            "edge_http": self._address("edge_http"),
            "descriptors": str(REPOSITORY / "gen" / "descriptors.binpb"),
            "jwks": str(self.credentials.jwks),
            "jwt_issuer": ISSUER,
            "jwt_audience": AUDIENCE,
            "admin_address": self._address("gateway_admin"),
        }
        run_step(
            "gateway configuration",
            ["gateway.envoy", "render", "--output", str(self.folder.bootstrap_file)],
            environment=_variables("gateway", settings),
            log=self.folder.logs / "preparation.log",
        )
        return Envoy(
            self.folder.root / "envoy",
            port=self.ports["gateway"],
            admin_port=self.ports["gateway_admin"],
            bootstrap=self.folder.bootstrap_file,
            log=self.folder.logs / "envoy.log",
        )

    def _edge_settings(self) -> dict[str, str]:
        return self._process_settings(EDGE) | {
            "http_address": self._address("edge_http"),
            "upstreams": json.dumps({name: self._address(f"{name}_grpc") for name in DOMAIN_SERVICES}),
            "check_interval_seconds": "1",  # a start is over sooner when health is looked at more often
        }

    def _process_settings(self, name: str) -> dict[str, str]:
        return {
            "environment": "local",
            "listen_address": self._address(f"{name}_grpc"),
            "probe_address": self._address(f"{name}_probe"),
            "metrics_address": self._address(f"{name}_prometheus"),
            "jwks": str(self.credentials.jwks),
            "internal_jwks": str(self.credentials.internal_jwks),
            "jwt_issuer": ISSUER,
            "jwt_audience": AUDIENCE,
            "identity_key_path": self.credentials.identity_key(name),
            "redis_url": self.stores.redis_url,
        }

    def _address(self, port: str) -> str:
        return f"127.0.0.1:{self.ports[port]}"


def _variables(prefix: str, settings: Mapping[str, str]) -> dict[str, str]:
    return {f"{prefix}_{name}".upper(): value for name, value in settings.items()}
