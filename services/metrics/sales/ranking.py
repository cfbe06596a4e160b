"""Ranks by a figure, the largest first; equal figures share a rank."""

from collections.abc import Mapping
from typing import NamedTuple
from uuid import UUID


class Ranked(NamedTuple):
    """One entry and its rank, from 1."""

    rank: int
    key: UUID


def ranked(figures: Mapping[UUID, float], limit: int) -> list[Ranked]:
    """The entries with the largest figures, by rank; equal ones share the rank and are ordered by key.

    After two that share rank 1 comes rank 3, so a rank says how many are better.

    Args:
        figures: What to rank by; who has no figure is not in it.
        limit: Most entries.
    """
    best = sorted(figures.items(), key=lambda entry: (-entry[1], entry[0]))[:limit]
    entries: list[Ranked] = []
    for place, (key, figure) in enumerate(best, start=1):
        shared = entries and figures[entries[-1].key] == figure
        entries.append(Ranked(entries[-1].rank if shared else place, key))
    return entries
