"""Who was erased, for tests of other things: nobody, or whoever the database says."""

from contextlib import asynccontextmanager

from libs.common.erasure.tombstones import Tombstones

TOMBSTONES = Tombstones(b"t" * 32)


class NobodyErased:
    """In the place of `Hiding` where no database is needed."""

    @asynccontextmanager
    async def hidden(self, tenant_id, events):
        yield list(events)
