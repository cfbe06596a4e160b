"""A service as tests of its structure look at it: its parts, what they import, the statements they hold."""

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType

_STATEMENT = re.compile(r"\s*(select|insert|update|delete|with)\s")


def folders_of(service: ModuleType) -> set[str]:
    """Its capabilities, among other folders."""
    return {path.name for path in _root_of(service).iterdir() if path.is_dir()}


def imports_of(service: ModuleType) -> Iterator[tuple[str, str, str]]:
    """Importing part, imported part, and the module imported, of every import within the service.

    A part is a capability's folder, or a module that stands beside them.
    """
    root, package = _root_of(service), f"{service.__name__}."
    for path in root.rglob("*.py"):
        part = path.relative_to(root).parts[0].removesuffix(".py")
        if part == "migrations":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.ImportFrom) or not (node.module or "").startswith(package):
                continue
            folder, _, module = str(node.module).removeprefix(package).partition(".")
            for name in [module] if module else [alias.name for alias in node.names]:
                if folder != part:
                    yield part, folder, name


def statements_of(service: ModuleType, shared: Iterable[ModuleType]) -> dict[str, str]:
    """SQL statements by the module and name that hold them, of a service and of shared modules."""
    return {
        f"{module.__name__}.{name}": value
        for module in [*shared, *_modules_of(service)]
        for name, value in vars(module).items()
        if isinstance(value, str) and name.isupper() and _STATEMENT.match(value)
    }


def _modules_of(service: ModuleType) -> Iterator[ModuleType]:
    for found in pkgutil.walk_packages(service.__path__, f"{service.__name__}."):
        if "migrations" not in found.name and not found.name.endswith("__main__"):
            yield importlib.import_module(found.name)


def _root_of(service: ModuleType) -> Path:
    return Path(service.__path__[0])
