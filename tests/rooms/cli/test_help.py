"""Every command explains itself, with an example that can be typed, and documents its exit codes."""

import re
import subprocess
import sys

import pytest

from mainstay.cli.command_line import COMMANDS as LISTED
from mainstay.cli.command_line import loaded
from tests.conftest import ROOT
from tests.rooms.cli.shell import Shell


def every_command() -> dict[str, list[str]]:
    """The commands by name, each with its options."""
    found = {}
    groups = [("", {name: loaded(name) for name in LISTED})]
    while groups:
        prefix, group = groups.pop()
        for name, command in group.items():
            if getattr(command, "commands", None):
                groups.append((f"{prefix}{name} ", command.commands))
            else:
                options = [each for parameter in command.params for each in parameter.opts if each.startswith("--")]
                found[f"{prefix}{name}"] = options
    return found


COMMANDS = every_command()


def test_the_commands_are_those_that_were_promised() -> None:
    expected = (
        "audit bench dev doctor explain export import issuers keys limits mail maintenance migrate new openapi "
        "passwords serve tenants users"
    )
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


@pytest.mark.parametrize("name", LISTED)
def test_the_list_says_of_a_command_what_it_says_of_itself(name: str) -> None:
    assert loaded(name).help.split("\n\n")[0].replace("\n", " ").strip() == LISTED[name][1]


@pytest.mark.parametrize("arguments", ["--help", "serve --help", "new --help", "dev --help"])
def test_a_command_imports_no_more_than_it_needs(arguments: str) -> None:
    code = (
        "import sys\nfrom mainstay.cli import main\ntry:\n    main(sys.argv[1:])\nexcept SystemExit:\n    pass\n"
        "print({'fastapi', 'sqlalchemy', 'alembic', 'mainstay.assembly'} & set(sys.modules), file=sys.stderr)"
    )
    ended = subprocess.run([sys.executable, "-c", code, *arguments.split()], capture_output=True, text=True, check=True)
    assert ended.stderr == "set()\n"
    assert "Usage" in ended.stdout


def test_wrong_usage_ends_with_two(shell: Shell) -> None:
    assert shell("no-such-command").code == 2
    assert shell("serve", "--port", "99999").code == 2
    assert shell("migrate", "app.py", "--check", "--sql").code == 2
