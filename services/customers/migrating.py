"""`migrate`: brings the service's database to this version."""

import argparse
import sys

from libs.common.postgres.migrate import run_migrations
from services.customers.settings import CustomersSettings


async def run(settings: CustomersSettings, _arguments: argparse.Namespace) -> int:
    """Carry out the command; returns the exit code."""
    if settings.owner_database_url is None:
        sys.stderr.write("CUSTOMERS_OWNER_DATABASE_URL is not set: migrations run as the owner role\n")
        return 2
    await run_migrations("services.customers", settings.owner_database_url.get_secret_value())
    return 0
