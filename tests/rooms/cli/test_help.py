"""Every command explains itself, with an example that can be typed, and documents its exit codes."""

import re

import pytest
from typer.main import get_command

from mainstay.cli.command_line import commands
from tests.conftest import ROOT
from tests.rooms.cli.shell import Shell


def every_command() -> dict[str, list[str]]:
    """The commands by name, each with its options."""
    found = {}
    groups = [("", get_command(commands))]
    while groups:
        prefix, group = groups.pop()
        for name, command in getattr(group, "commands", {}).items():
            if getattr(command, "commands", None):
                groups.append((f"{prefix}{name} ", command))
            else:
                options = [each for parameter in command.params for each in parameter.opts if each.startswith("--")]
                found[f"{prefix}{name}"] = options
    return found


COMMANDS = every_command()


def test_the_commands_are_those_that_were_promised() -> None:
    expected = "bench dev doctor explain export import limits maintenance migrate new openapi serve tenants users"
    assert sorted({name.split()[0] for name in COMMANDS}) == expected.split()


@pytest.mark.parametrize("name", COMMANDS)
def test_help_shows_an_example_and_json(shell: Shell, name: str) -> None:
    ended = shell(*name.split(), "--help")
    assert ended.code == 0
    assert f"mainstay {name}" in ended.out.split("Usage:")[1].split("\n", 1)[1], "no example"
    assert "--json" in ended.out


@pytest.mark.parametrize("name", COMMANDS)
def test_the_reference_names_every_command_and_option(name: str) -> None:
    text = (ROOT / "docs/reference/cli.md").read_text()
    section = re.search(rf"^## `mainstay {name}`$(.*?)(?=^## |\Z)", text, re.M | re.S)
    assert section, f"docs/reference/cli.md has no section `mainstay {name}`"
    missing = [option for option in COMMANDS[name] if f"`{option}" not in section[1] and option != "--json"]
    assert missing == []


def test_wrong_usage_ends_with_two(shell: Shell) -> None:
    assert shell("no-such-command").code == 2
    assert shell("serve", "--port", "99999").code == 2
    assert shell("migrate", "app.py", "--check", "--sql").code == 2
