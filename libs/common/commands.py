"""A service's command line as a table of names: a process imports what its own command needs, and no more."""

import argparse
import sys
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pkgutil import resolve_name
from typing import Any, NamedTuple, TypeAlias

import uvloop

Run: TypeAlias = Callable[[Any, argparse.Namespace], Coroutine[Any, Any, int]]
"""Carries out a parsed command by the service's settings; returns the exit code."""


class Command(NamedTuple):
    """One command; functions are named as "module:function" and imported when the command is given.

    `run` is a `Run`. `arguments` gives the command's parser its options; empty: it takes none.
    """

    help: str
    run: str
    arguments: str = ""


def carry_out(
    prog: str,
    description: str,
    commands: Mapping[str, Command],
    settings: Callable[[], object],
    words: Sequence[str] | None = None,
) -> int:
    """Carry out the command that the words ask for; returns the exit code.

    Args:
        prog: How the command line is started.
        description: What the service is.
        commands: By name.
        settings: Reads the service's settings; called when the words make sense.
        words: Without the program; None: those that this process was started with.
    """
    words = sys.argv[1:] if words is None else words
    parser = argparse.ArgumentParser(prog=prog, description=description)
    verbs = parser.add_subparsers(dest="command", required=True)
    asked_for = next((word for word in words if word in commands), None)
    for name, command in commands.items():
        verb = verbs.add_parser(name, help=command.help)
        if command.arguments and name == asked_for:
            resolve_name(command.arguments)(verb)
    arguments = parser.parse_args(words)
    run: Run = resolve_name(commands[arguments.command].run)
    return uvloop.run(run(settings(), arguments))
