"""Objects of a tenant, in a folder and on an S3 server: the same tests for both."""

import hashlib
from uuid import uuid4

import pytest

from libs.common.context import acting_as
from libs.common.errors import DependencyUnavailable
from libs.common.objects import Listed, ObjectDamaged, ObjectNotFound, Objects


def _s3_options(server, **changes):
    return {
        "aws_endpoint": server.url,
        "aws_access_key_id": server.access_key,
        "aws_secret_access_key": server.secret_key,
        "aws_region": "us-east-1",
        "aws_virtual_hosted_style_request": "false",
        "client_options": {"allow_http": True},
        **changes,
    }


@pytest.fixture(params=["folder", "s3"])
def objects(request, tmp_path):
    if request.param == "folder":
        return Objects.connect(f"file://{tmp_path}/with%20space/objects")
    server = request.getfixturevalue("s3")
    return Objects.connect(f"s3://{server.bucket}/{uuid4().hex}", options=_s3_options(server))


async def chunks(count, size=300_000):
    for n in range(count):
        yield bytes([n % 256]) * size


async def test_what_was_put_comes_back(objects, ours):
    with acting_as(ours):
        stored = await objects.put("exports/a.csv", b"a,b\n1,2\n")

        assert stored.size_bytes == 8
        assert stored.sha256 == hashlib.sha256(b"a,b\n1,2\n").hexdigest()
        assert await objects.get("exports/a.csv", sha256=stored.sha256) == b"a,b\n1,2\n"
        await objects.put("exports/a.csv", b"")
        assert await objects.get("exports/a.csv") == b""


async def test_large_objects_go_through_in_chunks(objects, ours):
    with acting_as(ours):
        stored = await objects.put("exports/large", chunks(60))

        digest, largest, total = hashlib.sha256(), 0, 0
        async for chunk in objects.stream("exports/large", sha256=stored.sha256):
            digest.update(chunk)
            largest, total = max(largest, len(chunk)), total + len(chunk)

    assert total == stored.size_bytes == 60 * 300_000
    assert digest.hexdigest() == stored.sha256
    assert largest < 8 << 20


async def test_an_upload_that_fails_leaves_what_was_there(objects, ours):
    async def failing():
        yield b"x" * 6_000_000
        raise ZeroDivisionError

    with acting_as(ours):
        await objects.put("report", b"before")
        with pytest.raises(ZeroDivisionError):
            await objects.put("report", failing())

        assert await objects.get("report") == b"before"


async def test_changed_bytes_are_noticed_before_the_last_chunk(objects, ours):
    with acting_as(ours):
        stored = await objects.put("model", b"trained")
        await objects.put("model", b"forged!")

        with pytest.raises(ObjectDamaged):
            await objects.get("model", sha256=stored.sha256)


async def test_tenants_do_not_meet(objects, ours, theirs):
    with acting_as(ours):
        await objects.put("exports/a", b"ours")
    with acting_as(theirs):
        with pytest.raises(ObjectNotFound):
            await objects.get("exports/a")
        assert await objects.list() == []
        await objects.delete("exports/a")
    with acting_as(ours):
        assert await objects.get("exports/a") == b"ours"
    with pytest.raises(LookupError):
        await objects.get("exports/a")


async def test_listing_and_deleting(objects, ours):
    with acting_as(ours):
        for name in ("exports/b", "exports/a", "exports2/c", "models/d"):
            await objects.put(name, b"12345")

        listed = await objects.list("exports")
        everything = await objects.list()
        await objects.delete("exports/a")
        await objects.delete("exports/a")

        assert [(one.name, one.size_bytes) for one in listed] == [("exports/a", 5), ("exports/b", 5)]
        assert isinstance(listed[0], Listed)
        assert len(everything) == 4
        assert len(await objects.list()) == 3
        assert await objects.list("nothing") == []


@pytest.mark.parametrize("name", ["", "/a", "a/", "../a", "a/../b", "a//b", "a b", "a\n", "./a", "ä"])
async def test_names_that_are_no_plain_paths_are_refused(objects, ours, name):
    with acting_as(ours):
        with pytest.raises(ValueError, match="name"):
            await objects.put(name, b"x")
        with pytest.raises(ValueError, match="name"):
            await objects.get(name)


async def test_the_storage_checks(objects):
    await objects.check()


async def test_a_storage_that_is_away_is_unavailable(s3, ours):
    away = Objects.connect(
        "s3://objects/x",
        options=_s3_options(s3, aws_endpoint="http://127.0.0.1:1", retry_config={"max_retries": 0}),
    )

    with pytest.raises(DependencyUnavailable):
        await away.check()
    with acting_as(ours), pytest.raises(DependencyUnavailable):
        await away.put("a", b"x")
