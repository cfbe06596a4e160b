"""One gateway for all tests of this folder."""

from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import mkdtemp

import httpx
import pytest_asyncio

from tests.gateway.front import Front, Seen


@pytest_asyncio.fixture(scope="session")
async def running_front(servers_folder: Path, redis_url: str) -> AsyncIterator[Front]:
    front = Front(Path(mkdtemp(prefix="front-", dir=servers_folder)), redis_url)
    await front.start()
    yield front
    await front.stop()


@pytest_asyncio.fixture
async def front(running_front: Front) -> Front:
    """The gateway, with nothing seen yet."""
    fresh = Seen()
    running_front.seen.__dict__.update(fresh.__dict__)
    return running_front


@pytest_asyncio.fixture
async def client(front: Front) -> AsyncIterator[httpx.AsyncClient]:
    """An HTTP client with a good token."""
    async with httpx.AsyncClient(base_url=front.url, headers=front.tokens.header(), timeout=20) as client:
        yield client


@pytest_asyncio.fixture
async def anonymous(front: Front) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=front.url, timeout=20) as client:
        yield client
