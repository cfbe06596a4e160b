"""Every command of the service exists, and a process that serves holds nothing of the others."""

import subprocess
import sys
from pkgutil import resolve_name

import pytest

from services.metrics.__main__ import COMMANDS

_HEAVY = {"tqdm", "alembic", "sqlalchemy", "croniter", "httpx", "statsmodels", "scipy", "pandas"}
_LOADED = """
import sys
from pkgutil import resolve_name
from services.metrics.__main__ import COMMANDS
resolve_name(COMMANDS[sys.argv[1]].run)
import services.metrics.{half}
print("\\n".join(sys.modules))
"""


def loaded_by(command, half):
    """The modules of a process that runs a half of the service."""
    done = subprocess.run(
        [sys.executable, "-c", _LOADED.format(half=half), command],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return set(done.stdout.split())


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_names_functions_that_exist(name):
    command = COMMANDS[name]

    assert callable(resolve_name(command.run))
    assert not command.arguments or callable(resolve_name(command.arguments))


def test_serving_loads_neither_tools_of_other_commands_nor_work_nor_statistics():
    loaded = loaded_by("serve", "serving")

    assert "services.metrics.serving" in loaded
    assert not loaded & _HEAVY
    assert not loaded & {"services.metrics.working", "services.metrics.rebuild", "libs.common.jobs.runner"}


def test_working_loads_neither_tools_of_other_commands_nor_servicers():
    loaded = loaded_by("work", "working")

    assert "services.metrics.working" in loaded
    assert not loaded & _HEAVY
    assert not loaded & {"services.metrics.serving", "services.metrics.servicers"}
