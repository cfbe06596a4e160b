"""Revenue figures as messages of the contract."""

from tickettoken.common.v1 import money_pb2, time_pb2
from tickettoken.metrics.v1 import revenue_pb2

from services.metrics.moments import timestamp_of
from services.metrics.revenue.channels import RevenueByChannel
from services.metrics.revenue.figures import RevenueFigures
from services.metrics.revenue.summary import RevenueSummary
from services.metrics.revenue.windows import Window


def summary_message(summary: RevenueSummary) -> revenue_pb2.GetRevenueSummaryResponse:
    return revenue_pb2.GetRevenueSummaryResponse(
        current=[figures_message(figures) for figures in summary.current],
        previous=[figures_message(figures) for figures in summary.previous],
        window=interval_message(summary.window),
        previous_window=interval_message(summary.previous_window),
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
        window=interval_message(revenue.window),
        as_of=timestamp_of(revenue.as_of),
    )


def figures_message(figures: RevenueFigures) -> revenue_pb2.RevenueFigures:
    average = figures.average_order_minor
    return revenue_pb2.RevenueFigures(
        currency=figures.currency,
        gross=money_message(figures.gross_minor, figures.currency),
        refunds=money_message(figures.refund_minor, figures.currency),
        fees=money_message(figures.fee_minor, figures.currency),
        net=money_message(figures.net_minor, figures.currency),
        average_order_value=None if average is None else money_message(average, figures.currency),
        order_count=figures.order_count,
        ticket_count=figures.ticket_count,
    )


def money_message(amount_minor: int, currency: str) -> money_pb2.Money:
    return money_pb2.Money(amount_minor=amount_minor, currency=currency)


def interval_message(window: Window) -> time_pb2.Interval:
    return time_pb2.Interval(start_time=timestamp_of(window.start), end_time=timestamp_of(window.end))
