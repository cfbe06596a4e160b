"""Alembic's entry point."""

from libs.common.postgres.migrate import run_env

run_env()
