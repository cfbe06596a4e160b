"""Commands issued together travel together, and each caller gets its own answer."""

import asyncio

import pytest
from redis.exceptions import RedisError, ResponseError

from libs.common.redis import Pipelined, connect


async def test_each_caller_gets_its_own_answer(redis):
    pipelined = Pipelined(redis)
    await asyncio.gather(*(pipelined.execute("SET", f"p{n}", n) for n in range(1000)))

    answers = await asyncio.gather(*(pipelined.execute("GET", f"p{n}") for n in range(1000)))

    assert [int(answer) for answer in answers] == list(range(1000))


async def test_one_refused_command_leaves_the_others(redis):
    pipelined = Pipelined(redis)
    await pipelined.execute("SET", "text", "x")

    answers = await asyncio.gather(
        *(pipelined.execute(*command) for command in (("INCR", "text"), ("GET", "text"), ("NONSENSE",))),
        return_exceptions=True,
    )

    assert isinstance(answers[0], ResponseError)
    assert answers[1] == b"x"
    assert isinstance(answers[2], ResponseError)


async def test_a_caller_that_leaves_does_not_disturb_the_others(redis):
    pipelined = Pipelined(redis)
    gone = pipelined.execute("SET", "gone", 1)
    stays = pipelined.execute("SET", "stays", 1)

    gone.cancel()

    assert await stays == b"OK" or await stays is True


async def test_a_lost_server_fails_every_waiting_command():
    pipelined = Pipelined(connect("redis://127.0.0.1:1/0", timeout_seconds=0.5))

    answers = await asyncio.gather(
        *(pipelined.execute("GET", "a") for _ in range(10)), return_exceptions=True
    )

    assert all(isinstance(answer, RedisError | OSError) for answer in answers)
    with pytest.raises((RedisError, OSError)):
        await pipelined.execute("GET", "a")
