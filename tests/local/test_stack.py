"""A whole stack: what its commands say, and that nothing of it outlives it or gets lost with it."""

import json
import os
import signal
import stat
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import psutil
import pytest

from tests.local.demo_customers import after_the_first_models, truth_of
from tests.servers.stack import StackUnderTest
from tests.servers.waiting import is_alive, until

_TENANT = UUID("5b1d7e0c-3f1c-4f5e-9d53-64b7f2f2a001")
_RECORDED_AT = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)


@pytest.fixture(scope="module")
def second(servers_folder: Path, stack: StackUnderTest) -> Iterator[StackUnderTest]:
    """Another stack beside the shared one; tests of this module stop, kill and restart it."""
    second = StackUnderTest(servers_folder / "second")
    yield second
    second.stop()


def test_status_tells_ports_urls_versions_and_memory(stack: StackUnderTest):
    answer = stack.command("status", "--json")
    status = json.loads(answer.stdout)

    assert answer.returncode == 0
    assert status["phase"] == "ready"
    assert status["ports"]["gateway"] == stack.gateway_port
    assert set(status["processes"]) == {
        "postgres", "valkey", "secantus", "metrics", "customers", "edge", "envoy", "supervisor",
    }  # fmt: skip
    assert {
        "postgres_admin",
        "metrics_app",
        "metrics_owner",
        "metrics_worker",
        "redis",
        "bus",
        "mongo",
        "storage",
    } <= set(status["urls"])
    assert set(status["grpc_targets"]) == {"metrics", "customers", "edge"}
    assert status["versions"]["postgres"].startswith("postgres 18")
    assert all(process["rss_bytes"] > 1e6 for process in status["processes"].values())
    assert status["rss_bytes"] == sum(process["rss_bytes"] for process in status["processes"].values())


def test_status_for_people_shows_no_password_and_the_files_are_private(stack: StackUnderTest):
    shown = stack.command("status").stdout

    assert stack.gateway_url in shown
    assert stack.credentials().password("postgres") not in shown
    for private in ("state.json", "credentials.json", "keys/jwt-signing.pem"):
        assert stat.S_IMODE((stack.folder / private).stat().st_mode) == 0o600


def test_passwords_are_in_no_command_line(stack: StackUnderTest):
    arguments = " ".join(" ".join(process.cmdline()) for process in stack.processes())

    for name in ("postgres", "redis", "metrics_app", "metrics_owner"):
        assert stack.credentials().password(name) not in arguments


def test_a_printed_token_opens_what_it_was_made_for(stack: StackUnderTest):
    venue = uuid4()
    everything = stack.command("token", "--tenant", str(_TENANT)).stdout.strip()
    one_venue = stack.command("token", "--tenant", str(_TENANT), "--venues", str(uuid4())).stdout.strip()
    reader = stack.command(
        "token", "--tenant", str(_TENANT), "--permissions", "analytics.read"
    ).stdout.strip()

    assert _record(stack, everything, venue, 1.5) == 200
    assert _record(stack, reader, venue, 1.5) == 403
    assert _record(stack, one_venue, venue, 1.5) == 404
    assert _record(stack, "nonsense", venue, 1.5) == 401


def test_a_second_supervisor_in_the_same_folder_is_refused(stack: StackUnderTest):
    answer = stack.command("up", "--demo", "none")

    assert answer.returncode == 1
    assert "already runs" in answer.stderr
    assert stack.status().is_up


def test_a_wanted_port_that_is_taken_is_refused(stack: StackUnderTest, tmp_path: Path):
    third = StackUnderTest(tmp_path / "third")

    answer = third.command("up", "--demo", "none", "--gateway-port", str(stack.gateway_port))

    assert answer.returncode == 1
    assert f"port {stack.gateway_port} is taken" in answer.stderr
    assert third.status().processes == {}


@pytest.mark.timeout(360)
def test_a_detached_stack_runs_its_demo_beside_another_and_down_ends_it(
    second: StackUnderTest, stack: StackUnderTest
):
    venue = uuid4()

    up = second.command("up", "--detach", "--demo", "small", "--gateway-port", str(second.gateway_port))
    processes = second.processes()
    sells = "demo" in second.status().processes
    recorded = _record(second, second.token(_TENANT), venue, 2.5)
    elsewhere = _status_of(stack, f"/api/metrics/{venue}/realtime", stack.token(_TENANT))
    patrons = truth_of(second)["patrons"]
    customers = after_the_first_models(second)
    down = second.command("down")

    assert up.returncode == 0, up.stderr
    assert f"runs at {second.gateway_url}" in up.stdout
    assert sells
    assert customers.expected_minor.keys() == {patron["customer_id"] for patron in patrons}
    assert all(0 <= chance <= 1 for chance in customers.churn.values())
    gone = {patron["customer_id"] for patron in patrons if patron["left_at"] is not None}
    assert customers.mean_churn(gone) > customers.mean_churn(customers.churn.keys() - gone)
    assert (recorded, elsewhere) == (200, 404)
    assert down.stdout.endswith("stopped\n")
    assert [process for process in processes if is_alive(process)] == []
    assert stack.status().is_up
    assert second.command("down").stdout.startswith("nothing runs")


@pytest.mark.timeout(240)
def test_a_killed_service_comes_back_and_a_killed_supervisor_leaves_no_orphan(second: StackUnderTest):
    second.start()
    first, then = uuid4(), uuid4()
    assert _record(second, second.token(_TENANT), first, 3.5) == 200

    psutil.Process(second.status().processes["metrics"].pid).kill()

    until(lambda: second.status().processes["metrics"].restarts == 1)
    until(lambda: _status_of(second, "/health/ready") == 200, within_seconds=30)
    # Health is a second old at most: it may not have heard of the kill when it is asked.
    until(lambda: _status_of(second, f"/api/metrics/{first}/realtime", second.token(_TENANT)) == 200)
    assert _sum(second, first) == 3.5
    assert _record(second, second.token(_TENANT), then, 4.5) == 200

    processes = second.processes()
    second.supervisor.kill()

    until(lambda: not any(is_alive(process) for process in processes))
    assert second.status().phase == "killed"
    assert second.command("status").returncode == 1

    ports = second.status().ports
    second.start()
    assert second.status().ports == ports
    assert (_sum(second, first), _sum(second, then)) == (3.5, 4.5)

    processes = second.processes()
    os.killpg(second.supervisor.pid, signal.SIGINT)  # what Ctrl-C does
    assert second.supervisor.wait(60) == 0
    assert [process for process in processes if is_alive(process)] == []
    assert second.status().phase == "stopped"


def _record(stack: StackUnderTest, token: str, venue: UUID, value: float) -> int:
    body = {
        "venueId": str(venue),
        "metricType": "bar_sales",
        "value": value,
        "timestamp": _RECORDED_AT.isoformat(),
    }
    return _status_of(stack, "/api/metrics", token, body)


def _sum(stack: StackUnderTest, venue: UUID) -> float:
    """The sum over the days around the recorded metric."""
    window = {"startDate": _RECORDED_AT - timedelta(days=1), "endDate": _RECORDED_AT + timedelta(days=1)}
    times = {name: time.isoformat() for name, time in window.items()}
    query = urllib.parse.urlencode({"metricType": "bar_sales", "aggregation": "sum", **times})
    request = urllib.request.Request(
        f"{stack.gateway_url}/api/metrics/{venue}/aggregate?{query}",
        headers={"authorization": f"Bearer {stack.token(_TENANT)}"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)["value"]


def _status_of(stack: StackUnderTest, path: str, token: str | None = None, body: object = None) -> int:
    headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {token}"} if token else {})
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{stack.gateway_url}{path}", data=data, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            answer.read()
            return answer.status
    except urllib.error.HTTPError as refused:
        refused.close()
        return refused.code
    except OSError:
        return 0
