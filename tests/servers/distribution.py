"""How processes share the tests: by folder, as its tests share servers and data, the longest first."""

from pathlib import PurePath
from typing import Any

from xdist.scheduler import LoadScopeScheduling

_LONGEST = (
    "tests/metrics/season",
    "tests/metrics/replication",
    "tests/gateway",
    "tests/local",
    "tests/bus",
    "tests/metrics/projections",
    "tests/metrics/visits",
    "tests/metrics/series",
    "tests/metrics/rebuild",
    "tests/metrics/live",
    "tests/metrics/exports",
    "tests/metrics/daily",
    "tests/metrics/overview",
    "tests/metrics/read_models",
)
_RANKS = {folder: rank for rank, folder in enumerate(_LONGEST)}


class ByFolder(LoadScopeScheduling):
    """A process takes a whole folder, and the next one when it has done it."""

    def __init__(self, config: Any, log: Any) -> None:
        config.option.loadscopereorder = False  # by the number of tests, which says little of their time
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        return folder_of(nodeid)


def rank(nodeid: str) -> int:
    """Smaller for what has to be begun earlier."""
    return _RANKS.get(folder_of(nodeid), len(_RANKS))


def folder_of(nodeid: str) -> str:
    return str(PurePath(nodeid.partition("::")[0]).parent)
