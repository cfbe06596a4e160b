"""Arguments of the commands on the replica; every start of the service reads them, so they import nothing."""

from datetime import UTC, date, datetime
from typing import Any


def add_commands(commands: Any) -> None:
    """Add both commands to the service's command line."""
    fill = commands.add_parser("migrate-to-influx", help="copy the stored series to InfluxDB and compare")
    fill.add_argument("--since", type=_day, help="oldest day (UTC) to copy; what lies before stays unread")
    prove = commands.add_parser("reconcile", help="compare PostgreSQL with InfluxDB by series and day")
    prove.add_argument("--since", type=_day, help="first day (UTC); default: the oldest row")
    prove.add_argument("--repair", action="store_true", help="rewrite what differs, then compare again")


def _day(text: str) -> datetime:
    return datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC)
