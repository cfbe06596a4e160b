"""The first thing a person sees of a running stack: where it is, a token, and commands to try."""

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from deploy.local import demo
from deploy.local.credentials import DEMO_TENANT, Credentials
from deploy.local.data_folder import DataFolder
from deploy.local.state import StackState
from deploy.local.status import StackStatus, megabytes

_SCREEN = """
TicketToken Analytics runs at {url}

  API reference  {url}/api/docs
  gRPC           the same port, plaintext HTTP/2
  memory         {memory}
  logs           {logs}
  data           {data}
  tenant         {tenant}
  venue          {venue}
  stop           {stop}

Try it in another terminal:

TOKEN={token}

# record a metric
curl -s {url}/api/metrics -H "authorization: Bearer $TOKEN" -H 'content-type: application/json' \\
  -d '{{"venueId":"{venue}","metricType":"bar_sales","value":42.5}}'

# today's and yesterday's figures, hour by hour
curl -s "{url}/api/metrics/{venue}?metricType=bar_sales&granularity=hour&startDate={start}&endDate={end}" \\
  -H "authorization: Bearer $TOKEN"

{customers}# what happens now, as it happens (record another metric meanwhile)
curl -sN {url}/api/realtime/venue/{venue}/stream -H "authorization: Bearer $TOKEN"
"""


_CUSTOMERS = """# who may not come back to the house of the demo's patrons, and its campaigns
curl -s "{url}/api/analytics/customers/churn-risk?venueId={house}&threshold=30" \\
  -H "authorization: Bearer $TOKEN"
curl -s "{url}/api/campaigns/venue/{house}" -H "authorization: Bearer $TOKEN"

"""


def _short(path: Path) -> Path:
    """The path as seen from here, where it lies below."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def first_screen(folder: DataFolder, state: StackState, credentials: Credentials) -> str:
    """The text, with a fresh token and ids that exist in this stack."""
    status = StackStatus.of(folder)
    parts = (f"{name} {megabytes(process.rss_bytes)}" for name, process in status.processes.items())
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    down = f"{_short(Path(sys.executable))} -m deploy.local down --data-dir {_short(folder.root)}"
    house = demo.house_id(folder)
    return _SCREEN.format(
        customers="" if house is None else _CUSTOMERS.format(url=state.gateway_url, house=house),
        url=state.gateway_url,
        memory=f"{megabytes(status.rss_bytes)}: {', '.join(parts)}",
        logs=folder.logs,
        data=folder.root,
        tenant=DEMO_TENANT,
        venue=demo.venue_id(folder) or state.venue_id,
        stop=down if state.is_detached else f"Ctrl-C here, or {down}",
        token=credentials.user_token(),
        start=f"{midnight - timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}",
        end=f"{midnight + timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}",
    )
