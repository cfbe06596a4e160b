"""Free loopback ports, chosen so that two stacks started at the same moment hardly ever collide."""

import random
import socket
import sys
from collections.abc import Callable, Iterable, Mapping

from deploy.local.errors import PortTaken

DEFAULT_GATEWAY_PORT = 8080

# Below the kernel's ephemeral range: an outgoing connection never takes one of these between choice and use.
_RANGE = range(20_000, 32_000)

_claims: set[int] = set()


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
    """A port that is free now, and the `consecutive - 1` ports after it as well; no two calls give the same.

    Raises:
        OSError: No such run of ports was found.
    """
    chooser = random.SystemRandom()
    for _ in range(200):
        first = chooser.choice(_RANGE)
        wanted = range(first, first + consecutive)
        if not any(port in _claims for port in wanted) and all(
            _claim(port) and is_free(port) for port in wanted
        ):
            return first
    raise OSError("no free loopback port between 20000 and 32000")


def _claim(port: int) -> bool:
    """Keep a port for this process's life, also while nobody listens; False when another process keeps it."""
    if port not in _claims:
        if sys.platform == "linux":  # a name without a file, which the kernel forgets with its process
            mark = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                mark.bind(f"\0tickettoken-port-{port}")
            except OSError:
                mark.close()
                return False
            mark.detach()  # left open until the process ends
        _claims.add(port)
    return True


def choose_ports(
    names: Iterable[str],
    *,
    before: Mapping[str, int],
    gateway_port: int | None,
    say: Callable[[str], None],
) -> dict[str, int]:
    """A port for every name: the same as before where it is still free.

    Args:
        names: What needs a port; `gateway` is among them.
        before: Ports of the last start.
        gateway_port: The wanted port of the gateway; without it the one before, or 8080, or a free one.
        say: Told when the usual port of the gateway is taken.

    Raises:
        PortTaken: `gateway_port` was given and is not free.
    """
    chosen: dict[str, int] = {}
    if gateway_port is not None:
        if not is_free(gateway_port):
            raise PortTaken(f"port {gateway_port} is taken by another program; choose another --gateway-port")
        chosen["gateway"] = gateway_port
    elif not is_free(usual := before.get("gateway", DEFAULT_GATEWAY_PORT)):
        chosen["gateway"] = free_port()
        say(f"port {usual} is taken by another program; the gateway gets {chosen['gateway']}")
    else:
        chosen["gateway"] = usual

    for name in names:
        if name not in chosen:
            port = before.get(name)
            while port is None or port in chosen.values() or not (_claim(port) and is_free(port)):
                port = free_port()
            chosen[name] = port
    return chosen
