"""The process that groups people: one question on standard input, one answer on standard output."""

import json
import sys
from dataclasses import asdict, dataclass

import numpy as np

from services.customers.privacy.mondrian import (
    Column,
    classes_of,
    discernibility,
    least_variety,
    penalty,
    smallest_group,
)


@dataclass(frozen=True, slots=True)
class Question:
    """Codes of the quasi-identifiers, positions of those on a line, and codes of the sensitive column."""

    k: int
    codes: list[list[int]]
    positions: list[list[float] | None]
    sensitive: list[int]


@dataclass(frozen=True, slots=True)
class Answer:
    """Numbers of the rows of each group, and what was measured on the groups."""

    groups: list[list[int]]
    k: int
    l: int  # noqa: E741  as the literature calls it
    information_loss: float | None
    discernibility: int


def answer(question: Question) -> Answer:
    """The groups of a question, none of them when it has fewer rows than k."""
    columns = [
        Column(np.array(codes, dtype=np.int64), None if places is None else np.array(places))
        for codes, places in zip(question.codes, question.positions, strict=True)
    ]
    groups = classes_of(columns, question.k)
    total = len(question.sensitive)
    left_out = total - sum(map(len, groups))
    return Answer(
        groups=[rows.tolist() for rows in groups],
        k=smallest_group(groups),
        l=least_variety(groups, np.array(question.sensitive, dtype=np.int64)),
        information_loss=penalty(columns, groups) if groups else None,
        discernibility=discernibility(groups, left_out, total),
    )


def main() -> None:
    """Answer once."""
    question = Question(**json.load(sys.stdin))
    json.dump(asdict(answer(question)), sys.stdout)


if __name__ == "__main__":
    main()
