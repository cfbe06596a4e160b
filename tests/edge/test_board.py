"""What the state of dependencies means for requests."""

from datetime import UTC, datetime

from gateway.edge.health.board import Board, State, Summary, report_of, report_of_silence
from libs.common.rpc.dependency_report import DependencyCheck

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def _check(*, is_up: bool, is_required: bool) -> DependencyCheck:
    return DependencyCheck(is_up, is_required, 1.5, NOW, "" if is_up else "TimeoutError")


def _board(*, is_ready: bool = True, **stores: DependencyCheck) -> Board:
    board = Board(["metrics"])
    board.post("metrics", report_of("metrics", is_ready=is_ready, latency_ms=2.0, now=NOW, stores=stores))
    return board


def test_service_that_never_reported_is_missing():
    board = Board(["metrics"])

    assert board.summary is Summary.DOWN
    assert board.missing == ["metrics"]
    assert [one.state for one in board.dependencies] == [State.UNKNOWN]


def test_everything_up_is_ok():
    board = _board(postgres=_check(is_up=True, is_required=True))

    assert board.summary is Summary.OK
    assert board.missing == []


def test_optional_store_that_is_down_degrades_and_no_more():
    board = _board(mongo=_check(is_up=False, is_required=False))

    assert board.summary is Summary.DEGRADED
    assert board.missing == []


def test_required_store_that_is_down_is_named():
    board = _board(is_ready=False, postgres=_check(is_up=False, is_required=True))

    assert board.summary is Summary.DOWN
    assert board.missing == ["metrics", "metrics/postgres"]


def test_silent_service_is_down_and_its_stores_are_unknown():
    board = _board(postgres=_check(is_up=True, is_required=True))

    board.post("metrics", report_of_silence("metrics", board.known("metrics"), now=NOW, detail="UNAVAILABLE"))

    assert [(one.name, one.state) for one in board.dependencies] == [
        ("metrics", State.DOWN),
        ("postgres", State.UNKNOWN),
    ]
    assert board.missing == ["metrics"]
