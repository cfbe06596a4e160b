"""The touchpoints that are kept."""

import pytest
from pymongo import AsyncMongoClient

from services.customers.touchpoints.store import COLLECTION


@pytest.fixture
async def collection(mongo_url):
    client = AsyncMongoClient(mongo_url, tz_aware=True)
    yield client["customers"][COLLECTION]
    await client.close()
