"""Generates Python, stubs, the REST client and the descriptor set from protos/, and checks them with buf.

Usage: protos.py generate | lint | breaking | format
"""

import argparse
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "protos"
OUTPUT = ROOT / "gen"
STAMP = OUTPUT / ".stamp"
GENERATORS = ("grpcio-tools", "mypy-protobuf", "protovalidate", "googleapis-common-protos")
RULES_FILE = "buf/validate/validate.proto"
# No proto of ours imports it, but the transcoder needs it to write the details of errors.
ERROR_DETAILS = "google/rpc/error_details.proto"


def main() -> int:
    """Run the named step; the exit status says whether it succeeded."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    steps = {"generate": generate, "lint": lint, "breaking": breaking, "format": format_sources}
    parser.add_argument("step", choices=steps, nargs="?", default="generate")
    try:
        steps[parser.parse_args().step]()
    except subprocess.CalledProcessError as failed:
        return failed.returncode
    return 0


def generate() -> None:
    """Bring gen/ up to date: nothing when no input changed, otherwise one file after the other by rename."""
    OUTPUT.mkdir(exist_ok=True)
    with _locked():
        digest = _inputs_digest()
        if STAMP.exists() and STAMP.read_text() == digest:
            return
        with tempfile.TemporaryDirectory(dir=OUTPUT, prefix=".fresh-") as fresh:
            _compile(Path(fresh))
            STAMP.unlink(missing_ok=True)
            _replace_tree(Path(fresh), OUTPUT)
        STAMP.write_text(digest)


def lint() -> None:
    """Check style, comments and formatting of protos/."""
    generate()
    _buf("format", str(SOURCES), "--diff", "--exit-code")
    with tempfile.TemporaryDirectory() as scratch:
        image = Path(scratch, "image.binpb")
        _describe(SOURCES, image)
        _buf("lint", str(image))


def breaking() -> None:
    """Refuse changes that break a client of the contracts on branch main."""
    with tempfile.TemporaryDirectory() as scratch:
        published = Path(scratch, "published")
        published.mkdir()
        if not _export_published(published):
            print("breaking: no contract is published yet")
            return
        _describe(published / "protos", Path(scratch, "published.binpb"))
        _describe(SOURCES, Path(scratch, "current.binpb"))
        _buf(
            "breaking",
            f"{scratch}/current.binpb",
            "--against",
            f"{scratch}/published.binpb",
            "--exclude-imports",
        )


def format_sources() -> None:
    """Rewrite protos/ in buf's format."""
    _buf("format", str(SOURCES), "--write")


def _compile(out: Path) -> None:
    _describe(SOURCES, out / "descriptors.binpb")
    bin_folder = Path(sys.executable).parent
    messages = (
        f"--plugin=protoc-gen-mypy={bin_folder / 'protoc-gen-mypy'}",
        f"--python_out={out}",
        f"--mypy_out=quiet:{out}",
    )
    services = (
        f"--plugin=protoc-gen-mypy_grpc={bin_folder / 'protoc-gen-mypy_grpc'}",
        f"--grpc_python_out={out}",
        f"--mypy_grpc_out=quiet:{out}",
    )
    files = _proto_files(SOURCES)
    with _rules_descriptor() as rules:
        _protoc([SOURCES], rules, *messages, *files)
        _protoc([SOURCES], rules, *services, *(file for file in files if file.endswith("_service.proto")))
        _protoc([], rules, *messages, RULES_FILE)
    _write_rest_client(out)


def _write_rest_client(out: Path) -> None:
    from google.protobuf.descriptor_pb2 import FileDescriptorSet

    sys.path.insert(0, str(ROOT))
    import rest_client

    module = out / rest_client.MODULE
    module.parent.mkdir(parents=True)
    descriptors = FileDescriptorSet.FromString((out / "descriptors.binpb").read_bytes())
    module.write_text(rest_client.rest_services(descriptors))


def _describe(sources: Path, out: Path) -> None:
    with _rules_descriptor() as rules:
        _protoc(
            [sources],
            rules,
            "--include_source_info",
            "--include_imports",
            f"--descriptor_set_out={out}",
            ERROR_DETAILS,
            *_proto_files(sources),
        )


def _protoc(include: Iterable[Path], rules: Path, *arguments: str) -> None:
    import google.api.annotations_pb2
    import grpc_tools

    well_known = Path(grpc_tools.__file__).parent / "_proto"
    google_apis = Path(google.api.annotations_pb2.__file__).parents[2]
    folders = [f"--proto_path={folder}" for folder in (*include, well_known, google_apis)]
    command = [
        sys.executable,
        "-m",
        "grpc_tools.protoc",
        *folders,
        f"--descriptor_set_in={rules}",
        *arguments,
    ]
    subprocess.run(command, check=True)


@contextmanager
def _rules_descriptor() -> Iterator[Path]:
    """A descriptor set of buf/validate and its imports: the validator's wheel has no .proto file."""
    from protobuf.wkt.google.protobuf.descriptor_pb import FileDescriptorSet
    from protovalidate._gen.buf.validate import validate_pb

    described = validate_pb.desc()
    files = [dependency.proto for dependency in described.dependencies] + [described.proto]
    with tempfile.NamedTemporaryFile(suffix=".binpb") as file:
        file.write(FileDescriptorSet(file=files).to_binary())
        file.flush()
        yield Path(file.name)


def _proto_files(sources: Path) -> list[str]:
    return sorted(str(path.relative_to(sources)) for path in sources.rglob("*.proto"))


def _inputs_digest() -> str:
    digest = hashlib.sha256(repr([(name, version(name)) for name in GENERATORS]).encode())
    programs = (ROOT / "tools/protos.py", ROOT / "tools/rest_client.py", ROOT / "gateway/comments.py")
    for path in sorted((*SOURCES.rglob("*.proto"), *programs)):
        digest.update(f"\0{path.relative_to(ROOT)}\0".encode() + path.read_bytes())
    return digest.hexdigest()


@contextmanager
def _locked() -> Iterator[None]:
    with (OUTPUT / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _replace_tree(fresh: Path, target: Path) -> None:
    """Make target equal to fresh, file by file, so that whoever imports from it always finds whole files."""
    wanted = {path.relative_to(fresh) for path in fresh.rglob("*") if path.is_file()}
    for relative in wanted:
        (target / relative).parent.mkdir(parents=True, exist_ok=True)
        (fresh / relative).replace(target / relative)
    for path in target.rglob("*.*"):
        relative = path.relative_to(target)
        if path.is_file() and relative not in wanted and not relative.parts[0].startswith("."):
            path.unlink()


def _export_published(target: Path) -> bool:
    known = subprocess.run(
        ["git", "rev-parse", "--verify", "--quiet", "main:protos"], cwd=ROOT, capture_output=True, check=False
    )
    if known.returncode:
        return False
    archive = subprocess.run(["git", "archive", "main", "protos"], cwd=ROOT, check=True, capture_output=True)
    subprocess.run(["tar", "-x", "-C", str(target)], input=archive.stdout, check=True)
    return True


def _buf(*arguments: str) -> None:
    beside = Path(sys.executable).with_name("buf")
    command = str(beside) if beside.exists() else shutil.which("buf")
    if command is None:
        sys.exit("buf is missing: make setup installs it with the development tools")
    environment = {**os.environ, "BUF_CACHE_DIR": str(OUTPUT / ".buf")}
    subprocess.run([command, *arguments], cwd=ROOT, check=True, env=environment)


if __name__ == "__main__":
    sys.exit(main())
