"""The secondary market as messages of the contract."""

from tickettoken.metrics.v1 import marketplace_pb2

from libs.common.amounts import money_message
from libs.common.moments import interval_of, timestamp_of
from services.metrics.marketplace.figures import MarketActivity, MarketFigures, ShowActivity


def activity_message(activity: MarketActivity) -> marketplace_pb2.GetMarketplaceActivityResponse:
    return marketplace_pb2.GetMarketplaceActivityResponse(
        totals=[_figures_message(figures) for figures in activity.totals],
        events=[_show_message(show) for show in activity.shows],
        window=interval_of(activity.window),
        as_of=timestamp_of(activity.as_of),
    )


def _show_message(show: ShowActivity) -> marketplace_pb2.EventMarketplace:
    return marketplace_pb2.EventMarketplace(
        event_id=str(show.event_id),
        event_name=show.event_name or "",
        venue_id=str(show.venue_id),
        figures=_figures_message(show.figures),
    )


def _figures_message(figures: MarketFigures) -> marketplace_pb2.MarketplaceFigures:
    average = figures.average_resale_minor
    return marketplace_pb2.MarketplaceFigures(
        currency=figures.currency,
        new_listing_count=figures.new_listing_count,
        active_listing_count=figures.active_listing_count,
        resale_count=figures.resale_count,
        resale_amount=money_message(figures.resale_minor, figures.currency),
        average_resale_price=None if average is None else money_message(average, figures.currency),
        royalties=money_message(figures.royalty_minor, figures.currency),
        median_resale_price_ratio=figures.median_resale_ratio,
        median_listing_price_ratio=figures.median_listing_ratio,
        above_face_value_ratio=figures.above_face_ratio,
    )
