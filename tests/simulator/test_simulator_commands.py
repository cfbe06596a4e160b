"""`load` and `run` against a gateway that remembers."""

import asyncio
import contextlib
import json
import sys
from random import Random

import grpc
import jwt
import protovalidate
import pytest

from deploy.local.simulator.__main__ import main
from deploy.local.simulator.emission import EmissionFailed, Emitter, Progress, gateway_channel, in_batches
from deploy.local.simulator.live import BoxOffice, keep_selling
from deploy.local.simulator.world import SIZES, Ids
from tests.bus.events import order_completed
from tests.simulator.conftest import TENANT


@pytest.fixture
def token_file(tmp_path):
    file = tmp_path / "token"
    file.write_text(jwt.encode({"tenant_id": str(TENANT)}, "x" * 32) + "\n")
    return file


async def load(gateway, token_file, folder, *options):
    arguments = ["load", "--season", "small", "--gateway", gateway.url, "--token-file", str(token_file)]
    return await asyncio.to_thread(main, [*arguments, "--folder", str(folder), *options])


async def test_loading_twice_publishes_once_and_states_the_same_truth(gateway, token_file, tmp_path, capsys):
    assert await load(gateway, token_file, tmp_path, "--anchor", "2026-03-30") == 0
    first = (tmp_path / "truth.json").read_text()
    published = len(gateway.events)

    assert await load(gateway, token_file, tmp_path) == 0

    assert len(gateway.events) == published
    assert (tmp_path / "truth.json").read_text() == first
    assert "0 accepted" in capsys.readouterr().out.splitlines()[-1]
    assert max(gateway.batch_sizes) == 1000
    assert json.loads((tmp_path / "season.json").read_text())["venues"][0]["id"]
    assert {event.tenant_id for event in gateway.events.values()} == {str(TENANT)}


async def test_disorder_publishes_the_same_events(gateway, token_file, tmp_path):
    options = ("--anchor", "2026-03-30", "--late", "0.1", "--duplicated", "0.1", "--shuffled", "100")
    await load(gateway, token_file, tmp_path, *options)
    disordered = dict(gateway.events)
    gateway.events.clear()

    await load(gateway, token_file, tmp_path)

    assert disordered == gateway.events


async def test_contacts_name_campaigns_as_the_platform_made_them_once(gateway, token_file, tmp_path):
    await load(gateway, token_file, tmp_path, "--anchor", "2026-03-30")
    first = {one.campaign_id: one.status for one in gateway.campaigns.values()}

    await load(gateway, token_file, tmp_path)

    named = {event.campaign_touchpoint.campaign_id for event in gateway.events.values()} - {""}
    house = json.loads((tmp_path / "season.json").read_text())["patrons"]["venue_id"]
    assert {one.campaign_id: one.status for one in gateway.campaigns.values()} == first
    assert named == first.keys()
    assert sorted(first.values()) == ["active", *["completed"] * (len(first) - 1)]
    assert {one.venue_id for one in gateway.campaigns.values()} == {house}


async def test_a_season_may_go_without_patrons(gateway, token_file, tmp_path):
    assert await load(gateway, token_file, tmp_path, "--anchor", "2026-03-30", "--patrons", "none") == 0

    assert not gateway.campaigns
    assert not (tmp_path / "patrons.json").exists()
    assert len({event.venue_id for event in gateway.events.values()}) == 3


async def test_a_busy_gateway_is_waited_for(gateway):
    gateway.refusals = [grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.UNAVAILABLE]
    events = [order_completed() for _ in range(25)]

    async with gateway_channel(gateway.url) as channel:
        tally = await Emitter(channel, lambda: "t").emit(in_batches(events, 10), progress=Progress(25, "x"))

    assert (tally.accepted, tally.sent) == (25, 25)
    assert gateway.events.keys() == {event.event_id for event in events}


async def test_a_refusal_ends_the_load(gateway):
    gateway.refusals = [grpc.StatusCode.PERMISSION_DENIED]

    async with gateway_channel(gateway.url) as channel:
        with pytest.raises(EmissionFailed, match="PERMISSION_DENIED"):
            await Emitter(channel, lambda: "t").emit([[order_completed()]], progress=Progress(1, "x"))


async def test_live_sales_keep_the_contract_and_go_on(gateway):
    box_office = BoxOffice(Ids(TENANT, 7), SIZES["small"], Random(3))
    async with gateway_channel(gateway.url) as channel:
        emitter = Emitter(channel, lambda: "t")
        selling = asyncio.create_task(keep_selling(box_office, emitter, channel, lambda: "t", pace=1000))
        async with asyncio.timeout(20):
            while len(gateway.events) < 400 or not gateway.metrics:  # noqa: ASYNC110 - the fake has no event
                await asyncio.sleep(0.01)
        selling.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await selling

    validator = protovalidate.Validator()
    assert [one for one in gateway.events.values() if validator.collect_violations(one)] == []
    assert {one.type for one in gateway.events.values()} >= {
        "order.completed",
        "event.created",
        "page.viewed",
    }


async def test_run_goes_on_selling_until_it_is_asked_to_stop(gateway, token_file, tmp_path):
    await load(gateway, token_file, tmp_path, "--anchor", "2026-03-30")
    loaded = set(gateway.events)
    arguments = ["--gateway", gateway.url, "--token-file", str(token_file), "--folder", str(tmp_path)]
    selling = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "deploy.local.simulator", "run", "--pace", "100", *arguments
    )

    house = json.loads((tmp_path / "season.json").read_text())["patrons"]["venue_id"]
    async with asyncio.timeout(60):
        while not sold_since(gateway, loaded, house):  # noqa: ASYNC110 - the fake has no event
            await asyncio.sleep(0.05)
    selling.terminate()

    assert await selling.wait() == 0


def sold_since(gateway, loaded, venue_id):
    new = [event for event_id, event in gateway.events.items() if event_id not in loaded]
    return any(event.type == "order.completed" and event.venue_id == venue_id for event in new)
