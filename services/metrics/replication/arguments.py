"""Options of the commands on the replica."""

import argparse
from datetime import UTC, date, datetime


def add_fill_arguments(parser: argparse.ArgumentParser) -> None:
    """Give the parser of `migrate-to-influx` its options."""
    parser.add_argument("--since", type=_day, help="oldest day (UTC) to copy; what lies before stays unread")


def add_reconcile_arguments(parser: argparse.ArgumentParser) -> None:
    """Give the parser of `reconcile` its options."""
    parser.add_argument("--since", type=_day, help="first day (UTC); default: the oldest row")
    parser.add_argument("--repair", action="store_true", help="rewrite what differs, then compare again")


def _day(text: str) -> datetime:
    return datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC)
