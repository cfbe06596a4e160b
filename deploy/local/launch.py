"""Turns itself into a program that dies with its parent: `python -I -S launch.py [options] -- program ...`.

Standard library only, and a program of its own: a `preexec_fn` would run Python between fork and exec in a
process that may hold threads and gRPC's fork handlers.
"""

import argparse
import ctypes
import os
import signal
import sys
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_CLONE_NEWUSER = 0x10000000
_UNPRIVILEGED_ID = 1000


def main(arguments: list[str]) -> None:
    """Become the given program, as the wanted user, bound to the life of the starter."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--parent", type=int, help="pid of the starter; without it nothing binds")
    parser.add_argument("--death-signal", type=int, default=signal.SIGKILL, help="sent when the starter dies")
    parser.add_argument("--user", help="switch to this user (root only)")
    parser.add_argument("--unprivileged", action="store_true", help="appear as user 1000 in a user namespace")
    parser.add_argument("program", nargs="+")
    options = parser.parse_args(arguments)

    if options.user:
        _switch_user(options.user)
    if options.unprivileged:
        _enter_user_namespace()
    # After the change of user: a change of credentials clears the death signal.
    if options.parent is not None and sys.platform == "linux":
        _die_with(options.parent, options.death_signal)
    os.execv(options.program[0], options.program)  # noqa: S606 the argument list is our own, and no shell is wanted


def _switch_user(name: str) -> None:
    import grp
    import pwd

    user = pwd.getpwnam(name)
    group = grp.getgrgid(user.pw_gid)
    os.setgroups([])
    os.setgid(group.gr_gid)
    os.setuid(user.pw_uid)


def _enter_user_namespace() -> None:
    uid, gid = os.getuid(), os.getgid()
    if ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWUSER) != 0:
        error = ctypes.get_errno()
        sys.exit(
            f"user namespaces are not available ({os.strerror(error)}): run as an ordinary user, or as root"
            " keep the checkout and the data folder where others may enter (no parent folder of mode 0700)"
        )
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{_UNPRIVILEGED_ID} {uid} 1")
    Path("/proc/self/gid_map").write_text(f"{_UNPRIVILEGED_ID} {gid} 1")


def _die_with(parent: int, death_signal: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, death_signal, 0, 0, 0) != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"cannot bind to the parent's life: {os.strerror(error)}")
    if os.getppid() != parent:  # it died before the signal was set
        os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
