"""The stores of a stack: embedded servers, or real ones where the environment names their URLs."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

from deploy.local.credentials import Credentials
from deploy.local.data_folder import DataFolder
from deploy.local.servers import Postgres, Secantus, Server, Valkey


@dataclass(frozen=True, slots=True)
class Stores:
    """URLs of the stores, and the embedded servers behind those that are not somebody else's."""

    servers: tuple[Server, ...]
    postgres_admin_url: str
    redis_url: str
    bus_url: str
    mongo_url: str
    storage_url: str
    influx_url: str | None

    @classmethod
    def choose(
        cls,
        folder: DataFolder,
        ports: Mapping[str, int],
        credentials: Credentials,
        environment: Mapping[str, str],
    ) -> "Stores":
        """Decide store by store: what DATABASE_URL, REDIS_URL, MONGO_URL, AMQP_URL and so on name wins."""
        servers: list[Server] = []

        postgres_url = environment.get("DATABASE_URL")
        if not postgres_url:
            password = credentials.password("postgres")
            postgres = Postgres(
                folder.root / "postgres",
                port=ports["postgres"],
                password=password,
                log=folder.logs / "postgres.log",
            )
            servers.append(postgres)
            postgres_url = postgres.url()

        redis_url = bus_url = environment.get("REDIS_URL")
        if not redis_url:
            password = credentials.password("redis")
            valkey = Valkey(
                folder.root / "valkey", port=ports["redis"], password=password, log=folder.logs / "valkey.log"
            )
            servers.append(valkey)
            redis_url, bus_url = valkey.url(0), valkey.url(1)

        mongo_url = environment.get("MONGO_URL")
        if not mongo_url:
            secantus = Secantus(
                folder.root / "secantus", port=ports["mongo"], log=folder.logs / "secantus.log"
            )
            servers.append(secantus)
            mongo_url = secantus.url

        return cls(
            servers=tuple(servers),
            postgres_admin_url=postgres_url,
            redis_url=redis_url,
            bus_url=environment.get("AMQP_URL") or bus_url or redis_url,
            mongo_url=mongo_url,
            storage_url=environment.get("STORAGE_URL") or folder.objects.as_uri(),
            influx_url=environment.get("INFLUX_URL") or None,
        )

    def role_url(self, service: str, kind: str, credentials: Credentials) -> str:
        """URL of the service's database as its owner, app or worker role."""
        role = f"{service}_{kind}"
        server = urlsplit(self.postgres_admin_url)
        _, _, host = server.netloc.rpartition("@")
        account = f"{role}:{credentials.password(role)}"  # letters, digits, - and _ need no quoting
        return urlunsplit(server._replace(netloc=f"{account}@{host}", path=f"/{service}"))
