"""Free loopback ports, chosen so that two stacks started at the same moment hardly ever collide."""

import random
import socket

# Below the kernel's ephemeral range: an outgoing connection never takes one of these between choice and use.
_RANGE = range(20_000, 32_000)


def is_free(port: int) -> bool:
    """Whether a server could listen on this loopback port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port(*, consecutive: int = 1) -> int:
    """A port that is free now, and the `consecutive - 1` ports after it as well.

    Raises:
        OSError: No such run of ports was found.
    """
    chooser = random.SystemRandom()
    for _ in range(200):
        first = chooser.choice(_RANGE)
        if all(is_free(port) for port in range(first, first + consecutive)):
            return first
    raise OSError("no free loopback port between 20000 and 32000")
