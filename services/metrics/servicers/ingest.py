"""IngestService."""

from tickettoken.metrics.v1 import (
    ingest_service_pb2_grpc,
)

from libs.common.rpc.joining import joined
from services.metrics.engines import Engines
from services.metrics.ingest.publisher import Publisher
from services.metrics.ingest.servicer import IngestServicer
from services.metrics.raw_events.replay import Replay
from services.metrics.raw_events.servicer import ReplayServicer


def ingest_servicer(engines: Engines) -> ingest_service_pb2_grpc.IngestServiceServicer:
    """The service that takes platform events in, and gives them out again."""
    publisher = Publisher(engines.database, engines.venues, engines.relay)
    replay = Replay(engines.raw_events, engines.key("replay-tokens"))
    return joined(
        ingest_service_pb2_grpc.IngestServiceServicer, IngestServicer(publisher), ReplayServicer(replay)
    )
