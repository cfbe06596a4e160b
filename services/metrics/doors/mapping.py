"""Boards as messages of the contract."""

from datetime import datetime

from tickettoken.metrics.v1 import doors_pb2

from libs.common.moments import timestamp_of
from services.metrics.doors.board import Boards
from services.metrics.doors.figures import Board, Gate


def boards_message(boards: Boards) -> doors_pb2.GetDoorsBoardResponse:
    return doors_pb2.GetDoorsBoardResponse(
        boards=[_board_message(board, boards.now) for board in boards.boards],
        as_of=timestamp_of(boards.as_of),
    )


def _board_message(board: Board, now: datetime) -> doors_pb2.DoorsBoard:
    return doors_pb2.DoorsBoard(
        event_id=str(board.event_id),
        event_name=board.name or "",
        doors_at=timestamp_of(board.doors_at or board.starts_at),
        starts_at=timestamp_of(board.starts_at),
        sold_count=board.sold_count,
        inside_count=board.inside_count,
        admitted_ratio=board.admitted_ratio,
        admissions_per_minute=board.rate,
        all_inside_at=timestamp_of(board.all_inside_at(now)),
        gates=[_gate_message(gate) for gate in board.gates],
    )


def _gate_message(gate: Gate) -> doors_pb2.GateBoard:
    return doors_pb2.GateBoard(
        gate=gate.name,
        admitted_count=gate.admitted_count,
        refused_count=gate.refused_count,
        admissions_per_minute=gate.rate,
        last_scan_time=timestamp_of(gate.last_scan_at),
        minutes=[
            doors_pb2.GateMinute(
                start_time=timestamp_of(minute.start),
                admitted_count=minute.admitted_count,
                refused_count=minute.refused_count,
            )
            for minute in gate.minutes
        ],
    )
