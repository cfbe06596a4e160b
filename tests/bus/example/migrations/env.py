"""Alembic's entry; the work is shared by all services."""

from libs.common.postgres.migrate import run_env

run_env()
