"""The deployment files speak the language of the settings classes."""

import json
import re
from pathlib import Path

import asyncpg
import pytest

from deploy.provision import make_keys, provision_database
from gateway.edge.settings import EdgeSettings
from gateway.envoy import EnvoyConfig
from services.customers.settings import CustomersSettings
from services.metrics.settings import MetricsSettings
from tests.servers.databases import PostgresServer

SETTINGS = {
    "METRICS": MetricsSettings,
    "CUSTOMERS": CustomersSettings,
    "EDGE": EdgeSettings,
    "GATEWAY": EnvoyConfig,
}
FILES = [*Path("deploy/k8s").glob("*.yaml"), Path("deploy/compose/compose.yaml")]
_VARIABLE = re.compile(r"\b(METRICS|CUSTOMERS|EDGE|GATEWAY)_([A-Z0-9_]+)(?==|: )")


@pytest.mark.parametrize("file", FILES, ids=str)
def test_every_variable_is_a_setting(file: Path):
    for prefix, name in _VARIABLE.findall(file.read_text()):
        assert name.lower() in SETTINGS[prefix].model_fields, f"{prefix}_{name}"


@pytest.mark.parametrize(("prefix", "settings"), SETTINGS.items())
@pytest.mark.parametrize("folder", ["compose", "k8s"])
def test_every_setting_without_default_is_given(folder: str, prefix: str, settings):
    text = "".join(path.read_text() for path in Path("deploy", folder).iterdir() if path.is_file())
    required = [name for name, field in settings.model_fields.items() if field.is_required()]

    missing = [name for name in required if f"{prefix}_{name.upper()}" not in text]

    assert missing == []


def test_probes_ask_for_what_processes_tell():
    text = "".join(path.read_text() for path in FILES)

    assert set(re.findall(r"grpc: \{port: 9001, service: (\w+)\}", text)) == {"live", "ready"}


async def test_provisioning_makes_roles_that_can_connect_and_changes_nothing_twice(
    postgres_server: PostgresServer,
):
    server = postgres_server.admin_url.rsplit("@", 1)[1].split("/")[0]
    roles = {"DATABASE_URL": "app", "WORKER_DATABASE_URL": "worker", "OWNER_DATABASE_URL": "owner"}
    urls = {
        f"PROVISIONED_{name}": f"postgresql://provisioned_{role}:{role}-secret@{server}/provisioned"
        for name, role in roles.items()
    }

    await provision_database("provisioned", urls | {"PROVISION_ADMIN_URL": postgres_server.admin_url})
    await provision_database("provisioned", urls | {"PROVISION_ADMIN_URL": postgres_server.admin_url})

    for url in urls.values():
        connection = await asyncpg.connect(url)
        await connection.close()


async def test_provisioning_refuses_urls_of_other_roles():
    same = "postgresql://postgres:secret@127.0.0.1/metrics"
    names = ("DATABASE_URL", "WORKER_DATABASE_URL", "OWNER_DATABASE_URL")

    with pytest.raises(ValueError, match="must name metrics_app"):
        await provision_database("metrics", {f"METRICS_{name}": same for name in names})


def test_made_keys_are_kept_and_published(tmp_path: Path):
    make_keys(tmp_path, ["metrics", "edge"])
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    make_keys(tmp_path, ["metrics", "edge"])

    published = json.loads(before["internal-jwks.json"])["keys"]
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert {"jwt-signing.pem", "internal-metrics.pem", "internal-edge.pem"} < set(before)
    assert len(published) == 2
    assert not any("d" in key for key in published)
