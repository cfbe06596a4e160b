"""Revenue as messages of the contract."""

from tickettoken.metrics.v1 import revenue_pb2

from libs.common.moments import interval_of, timestamp_of
from services.metrics.revenue.channels import RevenueByChannel
from services.metrics.revenue.summary import RevenueSummary
from services.metrics.sales.mapping import figures_message


def summary_message(summary: RevenueSummary) -> revenue_pb2.GetRevenueSummaryResponse:
    return revenue_pb2.GetRevenueSummaryResponse(
        current=[figures_message(figures) for figures in summary.current],
        previous=[figures_message(figures) for figures in summary.previous],
        window=interval_of(summary.window),
        previous_window=interval_of(summary.previous_window),
        as_of=timestamp_of(summary.as_of),
    )


def channels_message(revenue: RevenueByChannel) -> revenue_pb2.GetRevenueByChannelResponse:
    return revenue_pb2.GetRevenueByChannelResponse(
        channels=[
            revenue_pb2.ChannelRevenue(
                channel=share.channel,
                figures=figures_message(share.figures),
                gross_share_ratio=share.gross_share,
            )
            for share in revenue.channels
        ],
        window=interval_of(revenue.window),
        as_of=timestamp_of(revenue.as_of),
    )
