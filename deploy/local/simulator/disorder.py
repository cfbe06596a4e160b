"""What networks do to events: some arrive late, neighbours change places, some come twice."""

from collections.abc import Sequence
from random import Random
from typing import TypeVar

T = TypeVar("T")


def disordered(
    items: Sequence[T],
    *,
    seed: int,
    late_ratio: float = 0.0,
    duplicate_ratio: float = 0.0,
    shuffle_window: int = 0,
) -> list[T]:
    """The same items, each at least once, in another order.

    Args:
        items: In the right order.
        seed: Decides which and where.
        late_ratio: Share that arrives after everything punctual.
        duplicate_ratio: Share that arrives a second time, anywhere after the first.
        shuffle_window: Items this close together may change places; 0 keeps the order.
    """
    random = Random(f"{seed}/disorder")
    arrivals: list[tuple[float, int]] = []
    for index in range(len(items)):
        place = index + random.uniform(0, shuffle_window)
        if random.random() < late_ratio:
            place += len(items) + shuffle_window
        arrivals.append((place, index))
        if random.random() < duplicate_ratio:
            arrivals.append((place + random.uniform(0, len(items)), index))
    return [items[index] for _, index in sorted(arrivals)]
