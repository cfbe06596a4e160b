"""Log files that stay bounded while programs keep them open."""

import shutil
from pathlib import Path

_LARGEST_BYTES = 16 * 1024 * 1024


def keep_small(folder: Path, *, largest_bytes: int = _LARGEST_BYTES) -> None:
    """Move each log that has grown too large to `<name>.1` and empty it in place.

    Its writer has it open for appending, so it goes on at the new end; what it writes between the copy and
    the cut is lost, which is acceptable on a developer's machine.
    """
    for log in folder.glob("*.log"):
        if log.stat().st_size > largest_bytes:
            shutil.copyfile(log, log.with_name(f"{log.name}.1"))
            with log.open("r+b") as file:
                file.truncate(0)
