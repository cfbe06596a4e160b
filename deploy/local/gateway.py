"""Waiting until the whole platform answers through its gateway."""

import time
import urllib.error
import urllib.request

from deploy.local.errors import ProcessFailed
from deploy.local.supervisor import Supervisor

_WITHIN_SECONDS = 60.0


def wait_for_gateway(gateway_url: str, supervisor: Supervisor) -> None:
    """Return when readiness, asked through the gateway, is good.

    Raises:
        ProcessFailed: A process ended, or a minute has passed; the text carries the last answer.
    """
    give_up_at = time.monotonic() + _WITHIN_SECONDS
    while (answer := _ask(f"{gateway_url}/health/ready")) is not None:
        for server, _ in supervisor.servers:
            server.process.require_running()
        if time.monotonic() > give_up_at:
            raise ProcessFailed(f"the gateway does not report ready: {answer}")
        time.sleep(0.1)


def _ask(url: str) -> str | None:
    """None when the answer is good, else what was answered."""
    try:
        with urllib.request.urlopen(url, timeout=5):  # noqa: S310 our own http:// address
            return None
    except urllib.error.HTTPError as refused:
        return f"{refused.code} {refused.read(2000).decode(errors='replace')}"
    except OSError as error:
        return str(error)
