"""The tool behind `make protos` and `make lint`: it replaces whole files, and buf refuses what it should."""

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.contracts.descriptors import ROOT


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("protos_tool", ROOT / "tools/protos.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    return Path(shutil.copytree(ROOT / "protos", tmp_path / "protos"))


def test_generated_code_is_up_to_date_and_left_alone():
    stamp = ROOT / "gen/.stamp"
    before = (ROOT / "gen/descriptors.binpb").stat().st_mtime_ns, stamp.read_text()

    subprocess.run([sys.executable, ROOT / "tools/protos.py", "generate"], check=True)

    assert ((ROOT / "gen/descriptors.binpb").stat().st_mtime_ns, stamp.read_text()) == before


def test_files_of_removed_contracts_disappear_and_hidden_ones_stay(tool, tmp_path):
    fresh, target = tmp_path / "fresh", tmp_path / "gen"
    for path in (
        fresh / "a/new_pb2.py",
        target / "a/new_pb2.py",
        target / "a/old_pb2.py",
        target / ".buf/x.y",
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(path.parts[-3])

    tool._replace_tree(fresh, target)

    assert (target / "a/new_pb2.py").read_text() == "fresh"
    assert not (target / "a/old_pb2.py").exists()
    assert (target / ".buf/x.y").exists()


def test_field_without_comment_is_refused(tool, sources, tmp_path, capfd):
    _replace(sources / "tickettoken/common/v1/time.proto", "  // First instant of the span, UTC.\n", "")
    tool._describe(sources, tmp_path / "image.binpb")

    with pytest.raises(subprocess.CalledProcessError):
        tool._buf("lint", str(tmp_path / "image.binpb"))

    assert "time.proto" in capfd.readouterr().out


def test_renamed_field_is_a_breaking_change(tool, sources, tmp_path, capfd):
    tool._describe(sources, tmp_path / "published.binpb")
    _replace(
        sources / "tickettoken/metrics/v1/doors.proto", "int32 inside_count = 6", "int32 entered_count = 6"
    )
    tool._describe(sources, tmp_path / "current.binpb")

    with pytest.raises(subprocess.CalledProcessError):
        tool._buf("breaking", str(tmp_path / "current.binpb"), "--against", str(tmp_path / "published.binpb"))

    assert "inside_count" in capfd.readouterr().out


def test_added_field_is_not_a_breaking_change(tool, sources, tmp_path):
    tool._describe(sources, tmp_path / "published.binpb")
    _replace(
        sources / "tickettoken/metrics/v1/doors.proto",
        "// Tickets inside:",
        "// Another one.\n  int32 more_count = 99;\n\n  // Tickets inside:",
    )
    tool._describe(sources, tmp_path / "current.binpb")

    tool._buf("breaking", str(tmp_path / "current.binpb"), "--against", str(tmp_path / "published.binpb"))


def _replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))
