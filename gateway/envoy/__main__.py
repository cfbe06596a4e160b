"""Writes Envoy's configuration: `python -m gateway.envoy render [--output FILE]`, settings from GATEWAY_*."""

import argparse
import sys
from pathlib import Path

from gateway.envoy.config import EnvoyConfig
from gateway.envoy.render import render


def main() -> None:
    """Render the bootstrap from the environment."""
    parser = argparse.ArgumentParser(prog="python -m gateway.envoy", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("render", help="write Envoy's bootstrap configuration")
    command.add_argument("--output", type=Path, help="file to write; standard output when absent")
    arguments = parser.parse_args()
    text = render(EnvoyConfig())
    if arguments.output is None:
        sys.stdout.write(text + "\n")
    else:
        arguments.output.write_text(text)


if __name__ == "__main__":
    main()
