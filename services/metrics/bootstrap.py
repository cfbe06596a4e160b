"""Runs what was asked for: a half of the service, or both in one process.

A half that does not run is not imported: it would cost memory and time at every start.
"""

import argparse
from typing import Final

from libs.common import service
from services.metrics.engines import Engines
from services.metrics.settings import MetricsSettings

PACKAGE: Final = "services.metrics"


async def serve(settings: MetricsSettings, _arguments: argparse.Namespace) -> int:
    """Answer calls until SIGTERM or SIGINT; returns the exit code."""
    from services.metrics.serving import Serving

    engines = Engines(settings)
    return await service.run(PACKAGE, settings, engines, working=None, serving=lambda: Serving(engines))


async def work(settings: MetricsSettings, _arguments: argparse.Namespace) -> int:
    """Consume events, relay and do jobs until SIGTERM or SIGINT; returns the exit code."""
    from services.metrics.working import Working

    engines = Engines(settings)
    return await service.run(PACKAGE, settings, engines, working=lambda: Working(engines), serving=None)


async def serve_and_work(settings: MetricsSettings, _arguments: argparse.Namespace) -> int:
    """Both in one process until SIGTERM or SIGINT; returns the exit code."""
    from services.metrics.serving import Serving
    from services.metrics.working import Working

    engines = Engines(settings)
    return await service.run(
        PACKAGE, settings, engines, working=lambda: Working(engines), serving=lambda: Serving(engines)
    )
