"""Segments as messages of the contract."""

from tickettoken.customers.v1 import segments_pb2

from libs.common.amounts import money_message
from libs.common.moments import timestamp_of
from services.customers.rfm.comparison import Compared
from services.customers.rfm.segments import Segment
from services.customers.segments.figures import SegmentFigures
from services.customers.segments.members import predicate_of
from services.customers.segments.reports import MOVE_DAYS, SegmentAnalysis, SegmentReport


def report_message(report: SegmentReport) -> segments_pb2.ListCustomerSegmentsResponse:
    return segments_pb2.ListCustomerSegmentsResponse(
        segments=[segment_message(report, one) for one in report.segments],
        customer_count=report.customer_count,
        scoring=_scoring_message(report.compared),
        as_of=None if report.compared is None else timestamp_of(report.compared.newest_fact_at),
    )


def analysis_message(analysis: SegmentAnalysis) -> segments_pb2.AnalyzeSegmentResponse:
    report = analysis.report
    return segments_pb2.AnalyzeSegmentResponse(
        segment=segment_message(report, analysis.figures),
        scoring=_scoring_message(report.compared),
        move_days=MOVE_DAYS,
        moved_in_count=analysis.came,
        moved_out_count=analysis.left,
        flows=[
            segments_pb2.SegmentFlow(
                from_segment=flow["from_segment"],
                to_segment=flow["to_segment"],
                move_count=flow["customer_count"],
                recency_count=flow["recency_count"],
                frequency_count=flow["frequency_count"],
                monetary_count=flow["monetary_count"],
            )
            for flow in analysis.flows
        ],
        as_of=None if report.compared is None else timestamp_of(report.compared.newest_fact_at),
    )


def segment_message(report: SegmentReport, figures: SegmentFigures) -> segments_pb2.CustomerSegment:
    """One segment of a report."""
    predicate = report.own.get(figures.segment)
    count, total = figures.customer_count, report.customer_count
    message = segments_pb2.CustomerSegment(
        segment=figures.segment,
        label=Segment(figures.segment).label if predicate is None else _label(figures.segment),
        kind="scores" if predicate is None else "own",
        customer_count=count,
        share_ratio=count / total if total else None,
        order_count=figures.order_count,
        spends=[money_message(spend, currency) for currency, spend in sorted(figures.spends.items())],
        average_order_count=figures.order_count / count if count else None,
        predicate=None if predicate is None else predicate_of(predicate),
    )
    if count and report.compared is not None:
        message.average_recency_days = figures.average_recency_days(report.compared.as_of_day)
    return message


def _scoring_message(compared: Compared | None) -> segments_pb2.ScoringRun | None:
    if compared is None:
        return None
    return segments_pb2.ScoringRun(
        computed_time=timestamp_of(compared.computed_at),
        as_of_date=compared.as_of_day.isoformat(),
        window_days=compared.window_days,
        is_by_fixed_bounds=compared.is_by_fixed_bounds,
    )


def _label(segment: str) -> str:
    return segment.replace("_", " ").capitalize()
