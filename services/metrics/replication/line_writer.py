"""Blocking writes of line protocol by influxdb-client; imported only where there is an InfluxDB (15 MB)."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.client.write_api import SYNCHRONOUS
from influxdb_client.rest import ApiException
from urllib3.exceptions import HTTPError

from libs.common.errors import DependencyUnavailable

_LINES_A_REQUEST: Final = 5000
_WRITE_MILLISECONDS: Final = 20_000


class LineWriter:
    """Writes to `/api/v2/write` and, on version 2, makes buckets. Call it in a thread.

    Args:
        url: Base URL.
        token: None where it needs none.
        org: Organisation.
    """

    def __init__(self, url: str, *, token: str | None, org: str) -> None:
        self._org = org
        self._client = InfluxDBClient(url, token=token or "", org=org, timeout=_WRITE_MILLISECONDS)
        self._writes = self._client.write_api(write_options=SYNCHRONOUS)

    def write(self, bucket: str, lines: Iterable[str]) -> int:
        """Write points in requests of bounded size; returns how many.

        Raises:
            DependencyUnavailable: Some may have been written; repeat all.
        """
        count = 0
        for part in _parts(lines):
            try:
                self._writes.write(bucket=bucket, org=self._org, record="\n".join(part).encode())
            except (ApiException, HTTPError) as error:
                raise _unavailable(error) from error
            count += len(part)
        return count

    def make_bucket(self, bucket: str) -> None:
        """Make a bucket of version 2 if it is missing.

        Raises:
            DependencyUnavailable: InfluxDB is not there, or refuses.
        """
        try:
            buckets = self._client.buckets_api()
            if buckets.find_bucket_by_name(bucket) is None:  # type: ignore[no-untyped-call]  # half of the client is typed
                buckets.create_bucket(bucket_name=bucket, org=self._org)
        except (ApiException, HTTPError) as error:
            raise _unavailable(error) from error

    def close(self) -> None:
        self._client.close()  # type: ignore[no-untyped-call]  # as above


def _parts(lines: Iterable[str]) -> Iterator[list[str]]:
    remaining = iter(lines)
    while part := list(islice(remaining, _LINES_A_REQUEST)):
        yield part


def _unavailable(error: Exception) -> DependencyUnavailable:
    what = f"status {error.status}" if isinstance(error, ApiException) else type(error).__name__
    return DependencyUnavailable(f"InfluxDB: {what}", dependency="influx")
