"""`migrate-to-influx` and `reconcile` as an operator runs them."""

import os
import random
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest

from libs.common.context import TenantScope
from services.metrics.daily.facts import DailyFact
from services.metrics.replication import recording
from tests.metrics.process import MetricsProcess
from tests.metrics.replication.ground import new_tenant

DAY = datetime(2026, 11, 3, tzinfo=UTC)


@pytest.fixture
def run(ground, redis_url, mongo_url, influx, tmp_path):
    """Runs a command of the service; returns its exit code and what it printed."""
    settings = MetricsProcess(
        tmp_path, ground.service, redis_url=redis_url, mongo_url=mongo_url, influx_url=influx.url
    ).environment

    def command(*arguments, **more):
        done = subprocess.run(
            [sys.executable, "-m", "services.metrics", *arguments],
            env={**os.environ, **settings, **more},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    return command


@pytest.fixture
async def history(ground):
    """Two series over two months, and platform facts."""
    tenant, venue = new_tenant()
    randomness = random.Random(5)
    both = [await ground.series(tenant, venue, gate=gate) for gate in ("north", "south")]
    for series in both:
        moments = [DAY - timedelta(seconds=randomness.randrange(40 * 86_400)) for _ in range(1500)]
        await ground.write(tenant, series, [(at, randomness.uniform(0, 9)) for at in moments])
    async with ground.database.transaction(TenantScope(tenant)) as conn:
        facts = [DailyFact(venue, uuid4(), DAY, "EUR", {"order_count": 2, "gross_minor": 900})]
        await recording.record(conn, tenant, facts)
    return both


async def test_history_is_migrated_compared_by_month_and_migrating_again_copies_nothing(run, history):
    first = run("migrate-to-influx")
    again = run("migrate-to-influx")

    assert first[0] == again[0] == 0, first[1] + again[1]
    assert "recorded: 3000 rows copied" in first[1]
    assert "platform: 2 rows copied" in first[1]
    assert "2026-10: 2 series" in first[1]
    assert "equal" in first[1]
    assert "differences" not in first[1]
    assert "recorded: 0 rows copied" in again[1]


async def test_migrating_since_a_day_leaves_what_lies_before_and_can_be_widened(run, ground, history):
    since = DAY - timedelta(days=10)

    code, printed = run("migrate-to-influx", "--since", since.date().isoformat())
    narrow = sum(len(values) for values in ground.copied().values())
    await ground.admin.execute("update replication_streams set leased_until = 'epoch'")
    wider, _ = run("migrate-to-influx", "--since", date(2026, 1, 1).isoformat())

    stored = [at for rows in ground.written.values() for at, _ in rows]
    assert (code, wider) == (0, 0), printed
    assert narrow == sum(at >= since for at in stored)
    assert sum(len(values) for values in ground.copied().values()) == len(stored)


async def test_planted_damage_is_found_named_and_repaired(run, ground, history):
    run("migrate-to-influx")
    north, south = history
    at = ground.written[north][7][0]
    midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
    start, end = (f"{day:%Y-%m-%dT%H:%M:%SZ}" for day in (midnight, midnight + timedelta(days=1)))
    times = f"time >= '{start}' and time < '{end}'"
    ground.ask(f"delete from points where \"series\" = '{north}' and {times}")
    ground.ask(f"delete from quarter_hours where \"series\" = '{south}' and {times}")
    wrong = (await platform_line(ground)).replace("value=2i", "value=3i")
    await ground.influx.write("sales_velocity", [wrong])
    stray = (
        f"points,series=987654,tenant=x,type=y,venue=z value=1,committed_in=1i {int(at.timestamp())}000000000"
    )
    await ground.influx.write("metrics", [stray])

    found = run("reconcile")
    repaired = run("reconcile", "--repair")
    clean = run("reconcile")

    assert (found[0], repaired[0], clean[0]) == (1, 0, 0), found[1] + repaired[1] + clean[1]
    assert f"points series {north}: stored" in found[1]
    assert f"quarter_hours series {south}: stored" in found[1]
    assert "points series 987654: stored 0 (sum 0), copied 1 (sum 1)" in found[1]
    assert "order_count series order_count" in found[1]
    assert "rewritten, 0 differences left" in repaired[1]
    assert "0 differences" in clean[1]


async def platform_line(ground):
    """The copied point of the order count, as a line."""
    (row,) = await ground.admin.fetch("select * from platform_series where figure = 'order_count'")
    tags = f"event={row['event_id']},tenant={row['tenant_id']},type=order_count,venue={row['venue_id']}"
    return f"sales_velocity,{tags} value=2i {int(row['bucket_start'].timestamp())}000000000"


async def test_without_an_influxdb_the_commands_say_so(run):
    code, printed = run("reconcile", METRICS_INFLUX_URL="")

    assert code == 2
    assert "METRICS_INFLUX_URL is not set" in printed


async def test_an_influxdb_that_does_not_answer_ends_a_command_with_advice(run, history):
    code, printed = run("migrate-to-influx", METRICS_INFLUX_URL="http://127.0.0.1:9")

    assert code == 2
    assert "run the command again, it continues where it was" in printed
