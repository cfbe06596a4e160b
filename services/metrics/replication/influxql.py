"""Statements of InfluxQL: pure text. Values are literals made by `quoted`, names constants of this code."""

from datetime import datetime
from typing import Final

from libs.common.buckets import Window, microseconds

MARKER: Final = "replication"


def selecting(measurement: str, fields: str, *conditions: str, group_by: str) -> str:
    """Figures of a measurement, where all conditions hold."""
    where = " and ".join(conditions)
    return f'select {fields} from "{measurement}" where {where} group by {group_by}'  # noqa: S608 - see above


def deleting(measurement: str, *conditions: str) -> str:
    """Deletion of points; conditions are about tags and time alone."""
    return f'delete from "{measurement}" where {" and ".join(conditions)}'  # noqa: S608 - see above


def marker() -> str:
    """The epoch that a bucket was filled under; may precede others in one request."""
    return f'select last("epoch") as "epoch" from "{MARKER}"'  # noqa: S608 - see above


def tagged(tag: str, value: str) -> str:
    """Condition: a tag has this value; an empty one means that the tag is absent."""
    return f'"{tag}" = {quoted(value)}'


def within(window: Window) -> str:
    """Condition: a point lies in the window."""
    return f"time >= {_nanoseconds(window.start)} and time < {_nanoseconds(window.end)}"


def quoted(text: str) -> str:
    """A string literal."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")
    return f"'{escaped}'"


def _nanoseconds(moment: datetime) -> int:
    return microseconds(moment) * 1000
