"""Writes the configuration tables of README.md from the settings classes; with --check only compares."""

import sys
from pathlib import Path

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from gateway.edge.settings import EdgeSettings
from services.customers.settings import CustomersSettings
from services.metrics.settings import MetricsSettings

README = Path(__file__).parent.parent / "README.md"
BEGIN, END = "<!-- configuration: begin (make format writes this) -->", "<!-- configuration: end -->"
PROCESSES: dict[str, type[BaseSettings]] = {
    "metrics": MetricsSettings,
    "customers": CustomersSettings,
    "edge": EdgeSettings,
}


def _table(settings: type[BaseSettings], *, without: set[str]) -> str:
    prefix = settings.model_config.get("env_prefix", "")
    rows = ["| variable | default | meaning |", "|---|---|---|"]
    for name, field in settings.model_fields.items():
        if name not in without:
            rows.append(f"| `{prefix}{name.upper()}` | {_default(field)} | {field.description} |")
    return "\n".join(rows)


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    default = field.get_default(call_default_factory=True, validated_data={})
    return "unset" if default is None else f"`{default}`"


def tables() -> str:
    """The Markdown of all processes' variables: what they share once, then each one's own."""
    shared = set.intersection(*(set(settings.model_fields) for settings in PROCESSES.values()))
    parts = []
    for process, settings in PROCESSES.items():
        parts.append(f"**{process}**\n\n{_table(settings, without=shared)}")
    first = next(iter(PROCESSES.values()))
    own = {name for name in first.model_fields if name not in shared}
    prefix = first.model_config.get("env_prefix", "")
    common = _table(first, without=own).replace(f"`{prefix}", "`*_")
    return "\n\n".join([f"**every process** (`*` is the process's name)\n\n{common}", *parts])


def main() -> int:
    text = README.read_text()
    head, rest = text.split(BEGIN)
    _, tail = rest.split(END)
    updated = f"{head}{BEGIN}\n{tables()}\n{END}{tail}"
    if updated == text:
        return 0
    if "--check" in sys.argv:
        sys.stderr.write(
            "README.md: the configuration table is not that of the settings classes; run make format\n"
        )
        return 1
    README.write_text(updated)
    return 0


if __name__ == "__main__":
    sys.exit(main())
