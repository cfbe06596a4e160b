"""The overview as messages of the contract."""

from tickettoken.metrics.v1 import overview_pb2

from libs.common.amounts import money_message
from libs.common.moments import interval_of, timestamp_of
from services.metrics.capacity.mapping import event_message
from services.metrics.customers_port import CustomerCounts
from services.metrics.overview.comparisons import ComparedCount, ComparedMoney, ComparedRatio
from services.metrics.overview.dashboard import DashboardData
from services.metrics.overview.realtime import RealtimeSummary
from services.metrics.overview.traffic import ComparedTraffic
from services.metrics.sales.mapping import figures_message, history_message, top_message


def realtime_message(summary: RealtimeSummary, time_zone: str) -> overview_pb2.GetRealtimeSummaryResponse:
    return overview_pb2.GetRealtimeSummaryResponse(
        orders=_count_message(summary.orders),
        tickets=_count_message(summary.tickets),
        visitors=_visitors_message(summary.traffic),
        scans=_count_message(summary.scans),
        conversion=_conversion_message(summary.traffic),
        net_revenue=[_money_message(money) for money in summary.net_revenue],
        active_session_count=summary.active_session_count,
        orders_last_hour_count=summary.orders_last_hour_count,
        events_today=[event_message(show) for show in summary.shows.events],
        events_today_count=summary.shows.total_count,
        window=interval_of(summary.windows.current),
        previous_window=interval_of(summary.windows.previous),
        time_zone=time_zone,
        as_of=timestamp_of(summary.as_of),
    )


def dashboard_message(
    data: DashboardData, granularity: str, time_zone: str
) -> overview_pb2.GetDashboardDataResponse:
    history = history_message(data.history, granularity, time_zone)
    return overview_pb2.GetDashboardDataResponse(
        window=interval_of(data.windows.current),
        previous_window=interval_of(data.windows.previous),
        revenue=history.totals,
        previous_revenue=[figures_message(figures) for figures in data.previous_revenue],
        orders=_count_message(data.orders),
        tickets=_count_message(data.tickets),
        visitors=_visitors_message(data.traffic),
        conversion=_conversion_message(data.traffic),
        sales=history.buckets,
        top_events=top_message(data.top).events,
        upcoming_events=[event_message(show) for show in data.upcoming.events],
        upcoming_event_count=data.upcoming.total_count,
        customers=None if data.customers is None else _customers_message(data.customers),
        unavailable_parts=_unavailable(data),
        time_zone=time_zone,
        as_of=timestamp_of(data.as_of),
    )


def _unavailable(data: DashboardData) -> list[str]:
    parts = {
        "customers": data.customers,
        "visitors": data.traffic.visitors,
        "conversion": data.traffic.conversion,
    }
    return [name for name, part in parts.items() if part is None]


def _visitors_message(traffic: ComparedTraffic) -> overview_pb2.ComparedCount | None:
    return None if traffic.visitors is None else _count_message(traffic.visitors)


def _conversion_message(traffic: ComparedTraffic) -> overview_pb2.ComparedRatio | None:
    return None if traffic.conversion is None else _ratio_message(traffic.conversion)


def _count_message(count: ComparedCount) -> overview_pb2.ComparedCount:
    return overview_pb2.ComparedCount(
        current=count.current,
        previous=count.previous or 0,
        change_ratio=count.change_ratio,
        previous_expired=count.previous is None,
    )


def _ratio_message(ratio: ComparedRatio) -> overview_pb2.ComparedRatio:
    return overview_pb2.ComparedRatio(
        current=ratio.current, previous=ratio.previous, difference=ratio.difference
    )


def _money_message(money: ComparedMoney) -> overview_pb2.ComparedMoney:
    return overview_pb2.ComparedMoney(
        current=money_message(money.current_minor, money.currency),
        previous=money_message(money.previous_minor, money.currency),
        change_ratio=money.change_ratio,
    )


def _customers_message(customers: CustomerCounts) -> overview_pb2.CustomerFigures:
    active, returning = customers.active_count, customers.returning_count
    return overview_pb2.CustomerFigures(
        active_count=active,
        new_count=customers.new_count,
        returning_count=returning,
        returning_ratio=returning / active if active else None,
    )
