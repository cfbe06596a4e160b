"""Runs the edge: `python -m gateway.edge`, settings from EDGE_*."""

import uvloop

from gateway.edge.bootstrap import serve
from gateway.edge.settings import EdgeSettings

if __name__ == "__main__":
    uvloop.run(serve(EdgeSettings()))
