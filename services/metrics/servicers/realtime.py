"""RealtimeService."""

from tickettoken.metrics.v1 import (
    realtime_service_pb2_grpc,
)

from libs.common.rpc.joining import joined
from services.metrics.counters.commits import CounterCommits
from services.metrics.counters.counters import Counters
from services.metrics.counters.servicer import CountersServicer
from services.metrics.doors.board import Doors
from services.metrics.doors.servicer import DoorsServicer
from services.metrics.engines import Engines
from services.metrics.live.hub import LiveHub
from services.metrics.live.reader import LiveReader
from services.metrics.live.servicer import RealtimeServicer
from services.metrics.live.watch import VenueWatch
from services.metrics.readers import Readers
from services.metrics.visits.active import ActiveSessions
from services.metrics.visits.servicer import SessionsServicer


def realtime_servicer(
    engines: Engines, readers: Readers, hub: LiveHub, increments: CounterCommits
) -> realtime_service_pb2_grpc.RealtimeServiceServicer:
    """The service that tells what happens now."""
    settings, database, venues = engines.settings, engines.database, engines.venues
    watch = VenueWatch(venues, hub, engines.feeds, heartbeat_seconds=settings.feed_heartbeat_seconds)
    sessions = ActiveSessions(database, venues, readers.pages, active_seconds=settings.session_active_seconds)
    return joined(
        realtime_service_pb2_grpc.RealtimeServiceServicer,
        RealtimeServicer(LiveReader(database, venues), watch),
        DoorsServicer(Doors(database, venues)),
        CountersServicer(Counters(database, venues, increments)),
        SessionsServicer(sessions),
    )
