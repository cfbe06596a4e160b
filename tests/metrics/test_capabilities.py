"""Capabilities depend on each other one way, and reach each other by use cases."""

import ast
from pathlib import Path

import services.metrics

ROOT = Path(services.metrics.__file__).parent
PACKAGE = "services.metrics."

# Who may hold another capability's store, and why.
STORE_READERS = {
    ("rebuild", "raw_events"): "what is made anew is made from the log itself",
    ("rebuild", "event_documents"): "its command connects what the rebuild works with",
}


def imports():
    """Importing part, imported part, and the module imported, of every import within the service.

    A part is a capability's folder, or a module that stands beside them.
    """
    for path in ROOT.rglob("*.py"):
        part = path.relative_to(ROOT).parts[0].removesuffix(".py")
        if part == "migrations":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.ImportFrom) or not (node.module or "").startswith(PACKAGE):
                continue
            folder, _, module = node.module.removeprefix(PACKAGE).partition(".")
            names = [module] if module else [alias.name for alias in node.names]
            for name in names:
                if folder != part:
                    yield part, folder, name


def test_no_two_parts_import_each_other():
    needed = {(part, imported) for part, imported, _ in imports()}

    assert ("revenue", "sales") in needed
    assert [pair for pair in needed if pair[::-1] in needed] == []


def test_no_capability_imports_anothers_store():
    folders = {path.name for path in ROOT.iterdir() if path.is_dir()}
    found = {
        (part, imported)
        for part, imported, module in imports()
        if part in folders and imported in folders and module.split(".")[0].endswith("store")
    }

    assert found == STORE_READERS.keys()
