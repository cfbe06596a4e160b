"""Compiles echo.proto, the contract these tests call, against the descriptors of the real contracts."""

import subprocess
import sys
import tempfile
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType

_HERE = Path(__file__).parent
DESCRIPTORS = _HERE.parents[1] / "gen" / "descriptors.binpb"


@cache
def echo() -> tuple[ModuleType, ModuleType]:
    """The generated messages and stubs."""
    folder = tempfile.mkdtemp(prefix="echo-")
    source = Path(folder) / "tickettoken_testing_echo.proto"
    source.write_text((_HERE / "echo.proto").read_text())
    command = [sys.executable, "-m", "grpc_tools.protoc", f"--proto_path={folder}"]
    command += [
        f"--descriptor_set_in={DESCRIPTORS}",
        f"--python_out={folder}",
        f"--grpc_python_out={folder}",
    ]
    subprocess.run([*command, source.name], check=True, cwd=folder)
    sys.path.insert(0, folder)
    return import_module("tickettoken_testing_echo_pb2"), import_module("tickettoken_testing_echo_pb2_grpc")
