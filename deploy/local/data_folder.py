"""The folder with everything of one stack: data, keys, logs, state; one supervisor at a time owns it."""

import fcntl
import os
from pathlib import Path

from deploy.local.errors import FolderBusy


class DataFolder:
    """Paths of a stack's folder, and the lock that its supervisor holds.

    Args:
        root: The folder; made by `create`.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self.logs = self.root / "logs"
        self.keys = self.root / "keys"
        self.demo = self.root / "demo"
        self.objects = self.root / "objects"
        self.state_file = self.root / "state.json"
        self.credentials_file = self.root / "credentials.json"
        self.bootstrap_file = self.root / "envoy.json"
        self._lock_file = self.root / "lock"
        self._lock: int | None = None

    def create(self) -> None:
        """Make the folders; only their owner sees what is in them."""
        # As root, PostgreSQL runs as another user and must get through to its own folder.
        self.root.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)
        for folder in (self.logs, self.keys, self.demo, self.objects):
            folder.mkdir(mode=0o700, exist_ok=True)

    def lock(self) -> None:
        """Become the only supervisor of this folder; the lock ends with the process.

        Raises:
            FolderBusy: Another process has it.
        """
        self._lock = self._try_lock()
        if self._lock is None:
            raise FolderBusy(f"a stack already runs in {self.root}: see `python -m deploy.local status`")

    @property
    def is_locked(self) -> bool:
        """Whether a supervisor (this process or another one) owns the folder now."""
        if self._lock is not None:
            return True
        if not self._lock_file.exists():
            return False
        descriptor = self._try_lock()
        if descriptor is None:
            return True
        os.close(descriptor)
        return False

    def _try_lock(self) -> int | None:
        descriptor = os.open(self._lock_file, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return descriptor


def write_private(path: Path, text: str) -> None:
    """Replace a file in one step by one that only its owner reads."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    fresh.replace(path)
