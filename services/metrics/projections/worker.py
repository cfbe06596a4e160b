"""The process that calculates: a question a line on standard input, an answer a line on standard output."""

import json
import signal
import sys
from dataclasses import asdict
from typing import Any

import numpy as np

from services.metrics.projections.booking import Shows
from services.metrics.projections.projection import project
from services.metrics.projections.question import Question


def answer(question: Question) -> bytes:
    """The answer's line."""
    sales = np.array(question.sales, dtype=np.int64).reshape(-1, 3)
    shows = Shows(
        on_sale=np.array(question.on_sale, dtype=np.int64),
        doors=np.array(question.doors, dtype=np.int64),
        show=sales[:, 0],
        day=sales[:, 1],
        net=sales[:, 2].astype(np.float64),
        complete_from=question.complete_from,
    )
    projected = project(np.array(question.net, dtype=np.float64), shows, question.days)
    return json.dumps(asdict(projected), default=_plain).encode() + b"\n"


def main() -> None:
    """Answer until standard input ends, which it does with the process that asks."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the asking process ends us
    for line in sys.stdin.buffer:
        sys.stdout.buffer.write(answer(Question.decoded(line)))
        sys.stdout.buffer.flush()


def _plain(value: Any) -> Any:
    return value.tolist()


if __name__ == "__main__":
    main()
