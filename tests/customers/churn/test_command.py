"""`python -m services.customers fit`."""

import argparse
import asyncio
import os
import sys
from uuid import UUID

import pytest

from services.customers.churn.command import add_arguments
from services.customers.lifetime.schedule import FIT_ID
from tests.customers.lifetime.conftest import AS_OF, orders_of
from tests.customers.lifetime.histories import START, Row, drawn_rows


async def fit(process, *words):
    """Exit code and lines of the command, with the settings of a running replica."""
    command = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.customers",
        "fit",
        *words,
        stdout=asyncio.subprocess.PIPE,
        env=os.environ | process.environment,
    )
    output, _ = await command.communicate()
    return command.returncode, [line for line in output.decode().splitlines() if not line.startswith("{")]


async def test_the_command_fits_a_tenant_and_says_what_serves(
    as_admin, customers_process, apply, tenant_id, venue_ids
):
    rows = drawn_rows(300, 22)
    few = [Row(1, UUID(int=5), START)]
    await apply(orders_of(tenant_id, venue_ids, rows + few))

    code, lines = await fit(customers_process, "--tenant", str(tenant_id), "--as-of", AS_OF.isoformat())

    count = await as_admin.fetchval(
        "select count(*) from customer_lifetime_value where tenant_id = $1", tenant_id
    )
    assert code == 0
    assert f"tenant {tenant_id}: {count} values" in lines
    assert any(line.startswith("  all venues: 301 customers, ") for line in lines)
    assert any(line.startswith(f"  venue {venue_ids[1]}: 1 customers, ") for line in lines)


async def test_without_a_tenant_every_scheduled_one_is_fitted(
    as_admin, customers_process, apply, tenant_id, venue_ids
):
    await apply(orders_of(tenant_id, venue_ids, [Row(0, UUID(int=1), START)]))
    await as_admin.execute("delete from job_schedules where id = $1 and tenant_id <> $2", FIT_ID, tenant_id)

    code, lines = await fit(customers_process)

    assert (code, f"tenant {tenant_id}: 2 values" in lines) == (0, True)
    assert any("NOT_ENOUGH_HISTORY" in line for line in lines)


def test_a_moment_without_offset_is_refused(capsys):
    parser = argparse.ArgumentParser()
    add_arguments(parser)

    with pytest.raises(SystemExit):
        parser.parse_args(["--as-of", "2026-01-01T00:00:00"])

    assert "needs an offset" in capsys.readouterr().err
