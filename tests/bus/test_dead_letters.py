"""The command that every service mounts as `dead-letters`."""

import argparse

from libs.common.bus import dead_letters
from libs.common.bus.port import Settlement, Verdict
from tests.bus.events import order_completed
from tests.bus.receiving import RETRY_DELAYS, Received, eventually, running


async def command(bus, queue, *arguments):
    parser = argparse.ArgumentParser()
    dead_letters.add_commands(parser, [queue])
    return await dead_letters.run(bus, parser.parse_args(arguments))


async def test_dead_letters_are_shown_with_their_reasons_and_replayed(bus, queue, capsys):
    events = [order_completed(), order_completed()]
    await bus.subscribe(queue, types=["order.completed"])
    await bus.publish(events)
    refusing = Received(settle=lambda _: Settlement(Verdict.DEAD, "NO_GOOD: because"))
    options = {"types": ["order.completed"], "retry_delays": RETRY_DELAYS}
    async with running(bus.consume(queue, handler=refusing, **options)):
        await eventually(lambda: _has_dead(bus, queue, 2))

    assert await command(bus, queue, "list") == 0
    assert await command(bus, queue, "replay", "--event-id", events[0].event_id) == 0
    assert await command(bus, queue, "list", "--queue", queue) == 0

    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{queue}: 2 dead letters"
    assert all("order.completed" in line and "reason=NO_GOOD: because" in line for line in lines[1:3])
    assert lines[3:5] == [f"{queue}: replayed 1", f"{queue}: 1 dead letters"]
    assert events[1].event_id in lines[5]


async def _has_dead(bus, queue, count):
    return len(await bus.list_dead(queue)) == count
