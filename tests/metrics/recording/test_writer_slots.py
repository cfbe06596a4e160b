"""Writer slots while the database is away."""

from deploy.local.ports import free_port
from libs.common.postgres.database import Database
from services.metrics.writer_slots import WriterSlots


async def test_slots_that_cannot_be_given_back_do_not_keep_the_process_from_closing():
    database = Database.connect(f"postgresql://nobody:x@127.0.0.1:{free_port()}/x", application_name="tests")

    await WriterSlots(database, count=1).stop()

    await database.close()
