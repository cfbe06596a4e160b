"""`migrate`: brings the service's database to this version."""

import argparse
import sys

from libs.common.postgres.migrate import run_migrations
from services.metrics.settings import MetricsSettings


async def run(settings: MetricsSettings, _arguments: argparse.Namespace) -> int:
    """Carry out the command; returns the exit code."""
    if settings.owner_database_url is None:
        sys.stderr.write("METRICS_OWNER_DATABASE_URL is not set: migrations run as the owner role\n")
        return 2
    await run_migrations("services.metrics", settings.owner_database_url.get_secret_value())
    return 0
