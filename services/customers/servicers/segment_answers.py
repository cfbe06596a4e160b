"""What answers questions about segments, put together once for the services that share it."""

from services.customers.engines import Engines
from services.customers.rfm.comparison import Comparison
from services.customers.segments.answers import SegmentAnswers
from services.customers.segments.reports import SegmentReports


def segment_answers(engines: Engines) -> SegmentAnswers:
    """Segments for callers."""
    window_days = engines.settings.rfm_window_days or None
    comparison = Comparison(engines.database, window_days=window_days)
    reports = SegmentReports(engines.database, engines.venues, comparison)
    return SegmentAnswers(reports, engines.venues, engines.cache)
