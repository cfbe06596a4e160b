"""The first models of a demo: `python -m deploy.local.first_models`, so that nobody waits for the night.

Runs beside a stack that is up, with the settings of its customers service: once the last customer of the
demo's house is known it has the models fitted and the findings made, and ends.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

import httpx
import jwt

_KNOWN_WITHIN_SECONDS = 300.0
_LOOK_EVERY_SECONDS = 0.5
_CALL_SECONDS = 60.0


def main(arguments: list[str] | None = None) -> int:
    """Wait, fit, refresh; the exit code is not 0 where one of them did not work."""
    parser = argparse.ArgumentParser(prog="python -m deploy.local.first_models", description=__doc__)
    parser.add_argument("--gateway", required=True, help="URL of the gateway")
    parser.add_argument("--token-file", type=Path, required=True, help="file with a token of the demo")
    parser.add_argument("--folder", type=Path, required=True, help="where the simulator left patrons.json")
    options = parser.parse_args(arguments)
    truth = json.loads((options.folder / "patrons.json").read_text())
    token = options.token_file.read_text().strip()
    venue, customer = truth["venue_id"], truth["patrons"][-1]["customer_id"]

    if not _comes_to_be_known(f"{options.gateway}/api/customers/venue/{venue}/{customer}", token):
        print("the demo's last customer did not become known", file=sys.stderr)
        return 1
    # The gateway verifies the token; here it is only read.
    tenant = jwt.decode(token, options={"verify_signature": False})["tenant_id"]
    fit = [sys.executable, "-m", "services.customers", "fit", "--tenant", tenant]
    if code := subprocess.run(fit, check=False).returncode:
        return code
    refreshed = _status("POST", f"{options.gateway}/api/insights/venue/{venue}/refresh", token)
    return 0 if refreshed == 200 else 1


def _comes_to_be_known(url: str, token: str) -> bool:
    give_up_at = time.monotonic() + _KNOWN_WITHIN_SECONDS
    while _status("GET", url, token) != 200:
        if time.monotonic() > give_up_at:
            return False
        time.sleep(_LOOK_EVERY_SECONDS)
    return True


def _status(method: str, url: str, token: str) -> int:
    """The status of a call, 0 where the gateway was not reached."""
    headers = {"authorization": f"Bearer {token}"}
    try:
        return httpx.request(method, url, headers=headers, timeout=_CALL_SECONDS).status_code
    except httpx.TransportError:
        return 0


if __name__ == "__main__":
    sys.exit(main())
