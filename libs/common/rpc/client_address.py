"""The address a call comes from: the proxy's word when the proxy is trusted, otherwise the peer itself."""

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import ip_address, ip_network
from urllib.parse import unquote

HEADER = "x-client-address"


class ClientAddresses:
    """Reads client addresses.

    Args:
        trusted_proxies: Networks of peers that overwrite the header with the address they see.
    """

    def __init__(self, trusted_proxies: Iterable[str]) -> None:
        self._trusted = tuple(ip_network(network) for network in trusted_proxies)
        self._is_trusted = lru_cache(maxsize=4096)(self._look_up)

    def of(self, peer: str, header: str | None) -> str:
        """The client's address, or the peer's name when it is not an IP address (a Unix socket).

        Args:
            peer: As gRPC names it: ipv4:127.0.0.1:5000, ipv6:[::1]:5000, unix:...
            header: What the peer says about its client.
        """
        host = _host(peer)
        if header is None or not self._is_trusted(host):
            return host
        return _normal(header) or host

    def _look_up(self, host: str) -> bool:
        try:
            address = ip_address(host)
        except ValueError:
            return False
        return any(address in network for network in self._trusted)


@lru_cache(maxsize=4096)
def _normal(address: str) -> str | None:
    """The address in its usual spelling, or None when it is not one."""
    try:
        return str(ip_address(address))
    except ValueError:
        return None


@lru_cache(maxsize=4096)
def _host(peer: str) -> str:
    scheme, _, rest = unquote(peer).partition(":")
    if scheme == "ipv4":
        return rest.rpartition(":")[0]
    if scheme == "ipv6":
        return rest.rpartition(":")[0].strip("[]").partition("%")[0]
    return peer
