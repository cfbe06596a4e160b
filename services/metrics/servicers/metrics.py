"""MetricsService."""

from tickettoken.metrics.v1 import metrics_service_pb2_grpc

from libs.common.rpc.joining import joined
from services.metrics.capacity.answers import CapacityAnswers
from services.metrics.capacity.servicer import CapacityServicer
from services.metrics.engines import Engines
from services.metrics.figures.families import families_of
from services.metrics.figures.figures import FigureReader
from services.metrics.figures.recorded import RecordedFigures
from services.metrics.figures.servicer import FiguresServicer
from services.metrics.live.reader import LiveReader
from services.metrics.live.servicer import RealtimeMetricsServicer
from services.metrics.readers import Readers
from services.metrics.recording.directory import SeriesDirectory
from services.metrics.recording.queue import GroupCommit
from services.metrics.recording.recorder import Recorder
from services.metrics.recording.servicer import RecordingServicer
from services.metrics.series.reader import SeriesReader
from services.metrics.series.servicer import SeriesServicer
from services.metrics.series.sources import bucket_source
from services.metrics.trends.reader import TrendReader
from services.metrics.trends.servicer import TrendsServicer


def metrics_servicer(
    engines: Engines, readers: Readers, commits: GroupCommit
) -> metrics_service_pb2_grpc.MetricsServiceServicer:
    """The service that records measurements and reads them back."""
    settings, database, venues = engines.settings, engines.database, engines.venues
    recorder = Recorder(
        SeriesDirectory(database, venues, budget=settings.series_budget),
        commits,
        retention_days=settings.retention_days,
    )
    series = SeriesReader(
        database,
        bucket_source(database, engines.influx if settings.series_source == "auto" else None),
        venues,
        engines.cache,
        readers.pages,
        retention=readers.retention,
        percentile_row_limit=settings.percentile_row_limit,
    )
    figures = FigureReader(
        database,
        venues,
        RecordedFigures(readers.retention, settings.percentile_row_limit),
        families_of(readers.sales, readers.tickets, readers.market, readers.seats),
    )
    return joined(
        metrics_service_pb2_grpc.MetricsServiceServicer,
        RecordingServicer(recorder),
        SeriesServicer(series),
        TrendsServicer(TrendReader(database, venues, readers.retention)),
        RealtimeMetricsServicer(LiveReader(database, venues)),
        CapacityServicer(CapacityAnswers(readers.seats, venues, engines.cache)),
        FiguresServicer(figures),
    )
