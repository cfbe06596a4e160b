"""MongoDB documents: the tenant is everywhere, and writes can be repeated."""

import asyncio
from uuid import uuid4

import pytest
from pymongo import ASCENDING, IndexModel

from libs.common.context import acting_as
from libs.common.errors import DependencyUnavailable
from libs.common.mongo import Mongo, TenantRequired


@pytest.fixture
async def mongo(mongo_url):
    one = Mongo.connect(mongo_url, database="foundations", application_name="tests", timeout_seconds=30)
    yield one
    await one.close()


@pytest.fixture
async def paths(mongo):
    collection = mongo.collection(f"paths_{uuid4().hex[:8]}")
    await collection.ensure([IndexModel([("tenant_id", ASCENDING), ("id", ASCENDING)], name="by_id")])
    return collection


def document(identity, **fields):
    return {"id": identity, **fields}


async def test_upserting_again_changes_nothing(paths, ours):
    documents = [document(str(n), clicks=n) for n in range(300)]

    with acting_as(ours):
        await paths.upsert(documents)
        await paths.upsert(documents)

        assert await paths.count({}) == 300
        assert await paths.get("7") == {"id": "7", "clicks": 7}
        await paths.upsert([document("7", clicks=70)])
        assert await paths.get("7") == {"id": "7", "clicks": 70}


async def test_the_same_id_is_another_document_for_another_tenant(paths, ours, theirs):
    for caller, clicks in ((ours, 1), (theirs, 2)):
        with acting_as(caller):
            await paths.upsert([document("same", clicks=clicks)])

    with acting_as(theirs):
        assert await paths.update({}, {"$inc": {"clicks": 10}}) == 1
        assert await paths.find({}, limit=10) == [{"id": "same", "clicks": 12}]
        assert await paths.aggregate([{"$group": {"_id": None, "sum": {"$sum": "$clicks"}}}]) == [
            {"_id": None, "sum": 12}
        ]
        assert await paths.delete({}) == 1
    with acting_as(ours):
        assert await paths.find({}, limit=10) == [{"id": "same", "clicks": 1}]


async def test_only_documents_that_nobody_changed_meanwhile_are_exchanged(paths, ours, theirs):
    for caller in (ours, theirs):
        with acting_as(caller):
            await paths.upsert([document("mine", edition=1), document("changed", edition=2)])

    with acting_as(ours):
        wanted = [document("mine", edition=2), document("changed", edition=2), document("new", edition=1)]

        assert await paths.exchange(wanted) == 1
        assert await paths.exchange([]) == 0
        assert await paths.find({}, sort=[("id", 1)], limit=10) == [
            {"id": "changed", "edition": 2},
            {"id": "mine", "edition": 2},
        ]
    with acting_as(theirs):
        assert await paths.get("mine") == {"id": "mine", "edition": 1}


async def test_finding_sorts_limits_and_streams(paths, ours):
    with acting_as(ours):
        await paths.upsert([document(str(n), clicks=n) for n in range(20)])

        found = await paths.find({"clicks": {"$gte": 5}}, sort=[("clicks", -1)], limit=2)
        batches = paths.batches({"clicks": {"$lt": 3}}, sort=[("clicks", 1)], size=2)
        streamed = [one async for batch in batches for one in batch]
        few = paths.batches({"clicks": 3}, fields=["clicks"], size=2)
        shown = [one async for batch in few for one in batch]

    assert shown == [{"clicks": 3}]
    assert [one["clicks"] for one in found] == [19, 18]
    assert [one["clicks"] for one in streamed] == [0, 1, 2]


async def test_nothing_works_without_a_caller(paths):
    for operation in (
        paths.upsert([document("1")]),
        paths.get("1"),
        paths.find({}, limit=1),
        paths.count({}),
        paths.update({}, {"$set": {"a": 1}}),
        paths.delete({}),
        paths.aggregate([]),
        anext(paths.batches({}, size=1)),
    ):
        with pytest.raises(LookupError):
            await operation


async def test_the_tenant_cannot_be_named_or_left(paths, ours, theirs):
    other = str(theirs.tenant_id)
    with acting_as(ours):
        for operation in (
            paths.find({"tenant_id": other}, limit=1),
            paths.find({"$or": [{"tenant_id": other}, {}]}, limit=1),
            anext(paths.batches({}, fields=["tenant_id"], size=1)),
            paths.count({"$where": "true"}),
            paths.upsert([document("1", tenant_id=other)]),
            paths.upsert([document("1", _id="x")]),
            paths.update({}, {"$set": {"tenant_id": other}}),
            paths.update({}, {"$rename": {"a": "tenant_id"}}),
            paths.delete({"_id": "x"}),
            paths.aggregate([{"$lookup": {"from": "other"}}]),
            paths.aggregate([{"$facet": {"a": [{"$unionWith": "other"}]}}]),
            paths.aggregate([{"$out": "other"}]),
        ):
            with pytest.raises(TenantRequired):
                await operation


async def test_indexes_may_be_ensured_again_and_changed(mongo):
    collection = mongo.collection(f"expiring_{uuid4().hex[:8]}")

    for seconds in (60, 60, 120):
        await collection.ensure(
            [IndexModel([("stored_at", ASCENDING)], name="expiry", expireAfterSeconds=seconds)]
        )

    indexes = await collection._collection.index_information()
    assert indexes["expiry"]["expireAfterSeconds"] == 120


async def test_a_server_that_is_away_is_unavailable(ours):
    async def ask():
        mongo = Mongo.connect(
            "mongodb://127.0.0.1:1/", database="x", application_name="tests", timeout_seconds=0.3
        )
        try:
            await mongo.check()
        except DependencyUnavailable:
            with acting_as(ours):
                await mongo.collection("x").count({})
        finally:
            await mongo.close()

    with pytest.raises(DependencyUnavailable):
        await ask()

    await asyncio.sleep(0.1)


async def test_a_reachable_server_checks(mongo):
    await mongo.check()
