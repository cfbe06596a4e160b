"""Real servers replace embedded ones where the environment names them."""

from pathlib import Path

from deploy.local.credentials import Credentials
from deploy.local.data_folder import DataFolder
from deploy.local.stores import Stores

_PORTS = {"postgres": 1, "redis": 2, "mongo": 3}


def _choose(folder: Path, environment: dict[str, str]) -> tuple[Stores, Credentials]:
    data = DataFolder(folder / "data")
    data.create()
    credentials = Credentials(data)
    return Stores.choose(data, _PORTS, credentials, environment), credentials


def test_without_urls_everything_is_embedded_and_influx_is_absent(tmp_path: Path):
    stores, _ = _choose(tmp_path, {})

    assert [server.name for server in stores.servers] == ["postgres", "valkey", "secantus"]
    assert stores.bus_url.startswith("redis://")
    assert stores.bus_url != stores.redis_url
    assert stores.storage_url == (tmp_path / "data" / "objects").as_uri()
    assert stores.influx_url is None


def test_named_servers_are_used_and_nothing_is_started_for_them(tmp_path: Path):
    named = {
        "DATABASE_URL": "postgresql://admin:secret@db.example:5433/postgres?sslmode=require",
        "REDIS_URL": "redis://cache.example/3",
        "MONGO_URL": "mongodb://documents.example/",
        "AMQP_URL": "amqp://bus.example/",
        "INFLUX_URL": "http://series.example",
        "STORAGE_URL": "s3://bucket",
    }

    stores, credentials = _choose(tmp_path, named)

    assert stores.servers == ()
    assert stores.postgres_admin_url == named["DATABASE_URL"]
    assert (stores.redis_url, stores.bus_url) == (named["REDIS_URL"], named["AMQP_URL"])
    assert (stores.mongo_url, stores.storage_url) == (named["MONGO_URL"], named["STORAGE_URL"])
    assert stores.influx_url == named["INFLUX_URL"]
    password = credentials.password("metrics_app")
    assert stores.role_url("metrics", "app", credentials) == (
        f"postgresql://metrics_app:{password}@db.example:5433/metrics?sslmode=require"
    )


def test_a_real_redis_without_a_broker_carries_the_bus_as_well(tmp_path: Path):
    stores, _ = _choose(tmp_path, {"REDIS_URL": "redis://cache.example/3"})

    assert stores.bus_url == "redis://cache.example/3"
