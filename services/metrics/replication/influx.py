"""InfluxDB: writes by line protocol to the version 2 path, reads and deletions in InfluxQL."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from libs.common.errors import DependencyUnavailable
from services.metrics.replication import influxql

_MARKER_SECONDS: Final = 5.0
_MARKER_TIME: Final = 946_684_800_000_000_000  # the year 2000: before every point, and always the same place


@dataclass(frozen=True, slots=True)
class Group:
    """Rows of one series of an InfluxQL answer, as mappings from column to value."""

    tags: Mapping[str, str]
    rows: Sequence[Mapping[str, Any]]


class Influx:
    """One InfluxDB of any version that has the version 2 write path and InfluxQL.

    Args:
        url: Base URL.
        token: Of version 2 and 3, `user:password` of 1; None where it needs none.
        org: Organisation; version 2 only.
        read_seconds: Longest time an answer may take.
    """

    def __init__(self, url: str, *, token: str | None, org: str, read_seconds: float) -> None:
        import httpx

        from services.metrics.replication.line_writer import LineWriter

        self._writer = LineWriter(url, token=token, org=org)
        headers = {} if token is None else {"authorization": f"Token {token}"}
        self._reader = httpx.AsyncClient(base_url=url, headers=headers, timeout=read_seconds)

    async def write(self, bucket: str, lines: Iterable[str]) -> int:
        """Write points; returns how many. Lines are made while they are sent, in a thread.

        Raises:
            DependencyUnavailable: Some may have been written; repeat all.
        """
        return await asyncio.to_thread(self._writer.write, bucket, lines)

    async def query(self, bucket: str, statements: str, *, seconds: float | None = None) -> list[list[Group]]:
        """Answers of InfluxQL statements in their order; times in nanoseconds.

        Raises:
            DependencyUnavailable: No answer in time, or an error in one of them.
        """
        results = await self._ask(bucket, statements, seconds)
        if failed := [one["error"] for one in results if "error" in one]:
            raise DependencyUnavailable(f"InfluxDB: {failed[0]}", dependency="influx")
        return [_groups(one) for one in results]

    async def epoch(self, bucket: str) -> str:
        """The epoch that the bucket was filled under; empty when there is no bucket, or nothing in it.

        Raises:
            DependencyUnavailable: No answer in time, which says nothing about the bucket.
        """
        (result,) = await self._ask(bucket, influxql.marker(), _MARKER_SECONDS)
        if "not found" in result.get("error", ""):
            return ""
        if "error" in result:
            raise DependencyUnavailable(f"InfluxDB: {result['error']}", dependency="influx")
        return epoch_in(_groups(result))

    async def mark(self, bucket: str, epoch: str) -> None:
        """Make the bucket if it is missing, and mark under which epoch it is filled; empty: under none.

        Raises:
            DependencyUnavailable: InfluxDB is not there.
        """
        if (await self._version()).startswith("1."):
            await self.query(bucket, f'create database "{bucket}"', seconds=_MARKER_SECONDS)
        else:
            await asyncio.to_thread(self._writer.make_bucket, bucket)
        await self.write(bucket, [f'{influxql.MARKER} epoch="{epoch}" {_MARKER_TIME}'])

    async def check(self) -> None:
        """Return when InfluxDB answers.

        Raises:
            DependencyUnavailable: It does not.
        """
        await self._version()

    async def close(self) -> None:
        await self._reader.aclose()
        await asyncio.to_thread(self._writer.close)

    async def _version(self) -> str:
        import httpx

        try:
            answer = await self._reader.get("/ping")
            answer.raise_for_status()
        except httpx.HTTPError as error:
            raise _unavailable(error) from error
        return str(answer.headers.get("x-influxdb-version", "")).lstrip("v")

    async def _ask(self, bucket: str, statements: str, seconds: float | None) -> list[dict[str, Any]]:
        import httpx

        parameters = {"db": bucket, "epoch": "ns", "q": statements}
        timeout = httpx.USE_CLIENT_DEFAULT if seconds is None else httpx.Timeout(seconds)
        try:
            answer = await self._reader.post("/query", data=parameters, timeout=timeout)
            if answer.status_code == httpx.codes.NOT_FOUND:
                return [{"error": "bucket not found"}]
            answer.raise_for_status()
            results: list[dict[str, Any]] = answer.json()["results"]
        except (httpx.HTTPError, ValueError, KeyError) as error:
            raise _unavailable(error) from error
        return results


def epoch_in(groups: Sequence[Group]) -> str:
    """The epoch in the answer to `marker_query`; empty when the bucket has none."""
    return str(groups[0].rows[0]["epoch"]) if groups else ""


def _groups(result: Mapping[str, Any]) -> list[Group]:
    return [
        Group(
            series.get("tags", {}),
            [dict(zip(series["columns"], values, strict=True)) for values in series["values"]],
        )
        for series in result.get("series", ())
    ]


def _unavailable(error: Exception) -> DependencyUnavailable:
    return DependencyUnavailable(f"InfluxDB: {type(error).__name__}", dependency="influx")
