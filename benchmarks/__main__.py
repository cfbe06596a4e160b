"""Runs benchmarks and prints their ratios: `python -m benchmarks [name ...]`."""

import argparse
import asyncio
import importlib
import sys

from benchmarks.mesh import Mesh, running_mesh
from benchmarks.report import Result

BENCHMARKS = (
    "ingest",
    "record",
    "cached_read",
    "gateway_read",
    "series_growth",
    "feed",
    "feed_sockets",
    "customers",
)


def main() -> int:
    """Run what was asked for, or everything; the exit code says whether every demand was met."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"of {', '.join(BENCHMARKS)}; none: all")
    parser.add_argument(
        "--customers",
        type=int,
        default=100_000,
        metavar="count",
        help="how many customers `customers` makes, who buy five times each; 100000 unless told",
    )
    arguments = parser.parse_args()
    names = arguments.names or list(BENCHMARKS)
    if unknown := [name for name in names if name not in BENCHMARKS]:
        parser.error(f"unknown: {', '.join(unknown)}; choose from {', '.join(BENCHMARKS)}")
    results: list[Result] = []
    for name in names:
        with running_mesh(customer_count=arguments.customers) as mesh:
            for result in asyncio.run(_run(name, mesh)):
                print(result.line(), flush=True)
                results.append(result)
    return 0 if all(result.is_met for result in results) else 1


async def _run(name: str, mesh: Mesh) -> list[Result]:
    benchmark = importlib.import_module(f"benchmarks.{name}")
    return list(await benchmark.run(mesh))


if __name__ == "__main__":
    sys.exit(main())
