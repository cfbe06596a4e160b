"""Runs the platform on this machine: `python -m deploy.local up | down | status | token | import-orders`."""

import argparse
import sys
from pathlib import Path
from uuid import UUID

from deploy.local import import_orders
from deploy.local.commands import down, show_status, token
from deploy.local.credentials import DEMO_TENANT, PERMISSIONS
from deploy.local.data_folder import DataFolder
from deploy.local.detached import up_detached
from deploy.local.errors import StackError
from deploy.local.ports import DEFAULT_GATEWAY_PORT
from deploy.local.up import UpOptions, up


def main(arguments: list[str] | None = None) -> int:
    """Run one command; its exit code."""
    options = _parser().parse_args(arguments)
    folder = DataFolder(options.data_dir)
    try:
        return int(options.run(folder, options))
    except StackError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--data-dir", type=Path, default=Path(".local"), help="folder of the stack (.local)")
    parser = argparse.ArgumentParser(prog="python -m deploy.local", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")

    command = commands.add_parser("up", parents=[shared], help="start everything; Ctrl-C stops it")
    command.add_argument("--detach", action="store_true", help="return when it is ready; `down` stops it")
    command.add_argument(
        "--gateway-port", type=int, help=f"port of the API ({DEFAULT_GATEWAY_PORT}, or a free one)"
    )
    command.add_argument(
        "--demo", choices=("none", "small", "full"), default="small", help="season to load (small)"
    )
    command.add_argument("--detached-supervisor", action="store_true", help=argparse.SUPPRESS)
    command.set_defaults(run=_up)

    command = commands.add_parser("down", parents=[shared], help="stop a stack; its data stays")
    command.set_defaults(run=lambda folder, _: down(folder))

    command = commands.add_parser("status", parents=[shared], help="what runs, where, and how much memory")
    command.add_argument("--json", action="store_true", help="everything, for programs; passwords included")
    command.set_defaults(run=lambda folder, options: show_status(folder, as_json=options.json))

    command = commands.add_parser("token", parents=[shared], help="print a token for the API")
    command.add_argument("--tenant", type=UUID, default=DEMO_TENANT, help="tenant (the demo's)")
    command.add_argument("--permissions", nargs="+", default=PERMISSIONS, help="all, when not given")
    command.add_argument("--venues", nargs="+", type=UUID, help="limit it to these venues")
    command.add_argument("--subject", default="developer", help="the token's user")
    command.add_argument("--ttl", type=int, default=12 * 3600, help="lifetime in seconds (12 hours)")
    command.set_defaults(run=token)

    command = commands.add_parser(
        "import-orders", parents=[shared], help="publish a purchase log as orders; again changes nothing"
    )
    import_orders.add_arguments(command)
    command.set_defaults(run=import_orders.run)
    return parser


def _up(folder: DataFolder, options: argparse.Namespace) -> int:
    wanted = UpOptions(
        gateway_port=options.gateway_port, demo=options.demo, is_detached=options.detached_supervisor
    )
    return up_detached(folder, wanted) if options.detach else up(folder, wanted)


if __name__ == "__main__":
    sys.exit(main())
