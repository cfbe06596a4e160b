"""The access log: one JSON line a call, written together with its neighbours, because every call pays."""

import asyncio
import json
import time
from datetime import UTC, datetime
from typing import TextIO

_FLUSH_SECONDS = 0.2
_MOST_WAITING = 500
_encode = json.JSONEncoder(separators=(",", ":"), default=str).encode


class AccessLog:
    """Lines on their way to a stream; at most a fifth of a second of them waits in the process.

    Args:
        stream: Where lines go.
        constants: Members of every line.
    """

    def __init__(self, stream: TextIO, constants: dict[str, str]) -> None:
        self._stream = stream
        self._start = '{"event":"call","level":"info",' + _encode(constants)[1:-1]
        self._waiting: list[str] = []
        self._is_flush_due = False

    def write(self, facts: dict[str, object]) -> None:
        """Take one line; its values hold no secrets."""
        now = datetime.fromtimestamp(time.time(), UTC).isoformat()
        self._waiting.append(f'{self._start},"timestamp":"{now}",{_encode(facts)[1:]}\n')
        if len(self._waiting) >= _MOST_WAITING:
            self.flush()
        elif not self._is_flush_due:
            self._is_flush_due = True
            asyncio.get_running_loop().call_later(_FLUSH_SECONDS, self.flush)

    def flush(self) -> None:
        self._is_flush_due = False
        if self._waiting:
            self._stream.write("".join(self._waiting))
            self._stream.flush()
            self._waiting.clear()


_configured: AccessLog | None = None


def configure_access_log(log: AccessLog | None) -> None:
    """Make this the access log of the process; None means that calls are not logged."""
    global _configured  # noqa: PLW0603 - one log a process
    if _configured is not None:
        _configured.flush()
    _configured = log


def access_log() -> AccessLog | None:
    return _configured
