"""A command line imports what the command that is given needs."""

import pytest

from libs.common.commands import Command, carry_out

_ADDING = """
def add_arguments(parser):
    parser.add_argument("--to", type=int, default=0)

async def run(settings, arguments):
    return settings + arguments.to
"""


@pytest.fixture
def commands(tmp_path, monkeypatch):
    (tmp_path / "adding_command.py").write_text(_ADDING)
    (tmp_path / "broken_command.py").write_text("raise RuntimeError('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    broken = Command("cannot be imported", "broken_command:run", "broken_command:add_arguments")
    return {
        "add": Command("adds", "adding_command:run", "adding_command:add_arguments"),
        "add-nothing": Command("adds nothing", "adding_command:run"),
        "replay": broken,
    }


def test_a_command_is_carried_out_with_the_settings_and_its_options(commands):
    code = carry_out("service", "A service.", commands, lambda: 40, ["add", "--to", "2"])

    assert code == 42


def test_help_names_every_command_and_imports_none(commands, capsys):
    with pytest.raises(SystemExit):
        carry_out("service", "A service.", commands, lambda: 0, ["--help"])

    printed = capsys.readouterr().out
    assert all(command.help in printed for command in commands.values())


@pytest.mark.parametrize("words", [[], ["subtract"], ["add", "--from", "2"], ["add-nothing", "--to", "2"]])
def test_words_that_make_no_sense_are_refused_before_settings_are_read(commands, words):
    def settings():
        raise AssertionError("read")

    with pytest.raises(SystemExit) as refused:
        carry_out("service", "A service.", commands, settings, words)

    assert refused.value.code == 2
