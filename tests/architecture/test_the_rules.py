"""Each house rule catches the breach that it was written for, and lets the right way pass."""

import configparser
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import Column, Integer, MetaData, Table

from tests.architecture import planes, rules
from tests.architecture.source import ROOT, Rule, Source

LONG = '"""A sentence."""\n' + "x = 1\n" * 400
LONG_FUNCTION = '"""A sentence."""\ndef f() -> None:\n' + "    x = 1\n" * 61
WIDE_DOOR = '"""A sentence."""\n__all__ = [' + ", ".join(f'"n{i}"' for i in range(13)) + "]\n"
MARKER = "# TODO later\n"
IGNORED = "x = f()  # type: ignore"

BREACHES: list[tuple[Rule, str, str]] = [
    (rules.is_short_enough, "src/mainstay/web/body.py", LONG),
    (rules.is_short_enough, "src/mainstay/web/body.py", LONG_FUNCTION),
    (rules.opens_with_a_sentence, "src/mainstay/web/body.py", "x = 1\n"),
    (rules.opens_with_a_sentence, "src/mainstay/web/body.py", '"""no full stop"""\n'),
    (rules.is_named_for_what_it_does, "src/mainstay/web/utils.py", ""),
    (rules.is_named_for_what_it_does, "src/mainstay/web/session_manager.py", ""),
    (rules.is_named_for_what_it_does, "src/mainstay/common/body.py", ""),
    (rules.is_named_for_what_it_does, "src/mainstay/web/body.py", "class BodyHelper: pass\n"),
    (rules.has_a_narrow_door, "src/mainstay/web/__init__.py", WIDE_DOOR),
    (rules.has_a_narrow_door, "src/mainstay/web/__init__.py", "from mainstay.web.body import read\n"),
    (rules.enters_by_the_door, "src/mainstay/assembly/a.py", "from mainstay.web.body import read\n"),
    (rules.enters_by_the_door, "src/mainstay/assembly/a.py", "def f():\n    import mainstay.web.body\n"),
    (rules.enters_by_the_door, "src/mainstay/web/a.py", "from mainstay import Resource\n"),
    (rules.makes_no_scope, "src/mainstay/resources/a.py", "TenantScope(tenant)\n"),
    (rules.makes_no_scope, "src/mainstay/resources/a.py", "tenant.TenantScope(tenant)\n"),
    (rules.makes_no_scope, "src/mainstay/web/a.py", "from x import TenantScope as T\nT(tenant)\n"),
    (rules.makes_no_scope, "src/mainstay/tenancy/a.py", "SystemScope('why')\n"),
    (rules.reads_no_environment, "src/mainstay/web/a.py", "import os\nos.environ['X']\n"),
    (rules.reads_no_environment, "src/mainstay/web/a.py", "import os\nos.getenv('X')\n"),
    (rules.reads_no_environment, "src/mainstay/web/a.py", "from os import environ\n"),
    (rules.is_finished, "src/mainstay/web/a.py", MARKER),
    (rules.is_finished, "src/mainstay/web/a.py", "def f():\n    raise NotImplementedError\n"),
    (rules.leaves_no_body_out, "src/mainstay/web/a.py", "def f(): ...\n"),
    (rules.gives_reasons, "src/mainstay/web/a.py", IGNORED),
    (rules.gives_reasons, "src/mainstay/web/a.py", IGNORED + "[arg-type]"),
    (rules.gives_reasons, "src/mainstay/web/a.py", "x = f()  # noqa: S101"),
    (rules.mocks_nothing, "tests/a.py", "from unittest.mock import patch\n"),
]

RIGHT: list[tuple[Rule, str, str]] = [
    (rules.is_short_enough, "src/mainstay/web/body.py", LONG + "# house: size: generated from the standard\n"),
    (rules.opens_with_a_sentence, "src/mainstay/web/body.py", '"""A sentence."""\n'),
    (rules.has_a_narrow_door, "src/mainstay/web/__init__.py", WIDE_DOOR.replace(', "n12"', "")),
    (rules.enters_by_the_door, "src/mainstay/assembly/a.py", "from mainstay.web import read\n"),
    (rules.enters_by_the_door, "src/mainstay/web/a.py", "from mainstay.base.errors import Rejected\n"),
    (rules.enters_by_the_door, "src/mainstay/web/a.py", "from mainstay.web.body import read\n"),
    (rules.makes_no_scope, "src/mainstay/tenancy/a.py", "TenantScope(tenant)\n"),
    (rules.makes_no_scope, "src/mainstay/assembly/a.py", "SystemScope('relay')\n"),
    (rules.reads_no_environment, "src/mainstay/assembly/settings.py", "import os\nos.environ['X']\n"),
    (rules.leaves_no_body_out, "src/mainstay/web/a.py", "class A(Protocol):\n    def f(self): ...\n"),
    (rules.gives_reasons, "src/mainstay/web/a.py", IGNORED + "[arg-type]  # the stub is wrong\n"),
]


@pytest.mark.parametrize(("rule", "path", "text"), BREACHES)
def test_a_breach_is_found(rule: Rule, path: str, text: str) -> None:
    assert [finding.path for finding in rule(Source(path, text))] == [path]


@pytest.mark.parametrize(("rule", "path", "text"), RIGHT)
def test_the_right_way_passes(rule: Rule, path: str, text: str) -> None:
    assert [str(finding) for finding in rule(Source(path, text))] == []


def test_every_rule_has_a_breach_to_catch() -> None:
    assert {rule for rule, _, _ in BREACHES} == {*rules.ON_SOURCE, *rules.ON_TESTS}


# Said in halves, so that this file does not break the rule itself.
@pytest.mark.parametrize(
    ("one", "half"),
    [
        ("https:/", "/index.example.org/simple/"),
        ("https:/", "/files.example.org/a-1.whl"),
        ("in /wo", "rk/main/x"),
        ("/opt/py", "pi/simple"),
    ],
)
def test_an_index_host_or_machine_path_is_found(one: str, half: str) -> None:
    assert len(list(rules.names_no_place("README.md", one + half))) == 1


def test_ordinary_addresses_are_no_index_hosts() -> None:
    text = "https://www.rfc-editor.org/rfc/rfc9457 /api/v1/work/3 https://github.com/babel/babel/blob/main/packages/"
    assert list(rules.names_no_place("README.md", text)) == []


def test_a_table_without_a_plane_is_found() -> None:
    metadata = MetaData()
    lost = Table("lost", metadata, Column("id", Integer))
    found = Table("found", metadata, Column("id", Integer), info={"plane": "control"})
    assert list(planes.without_a_plane([lost, found])) == ["lost"]


UPHILL = {
    "uphill": ("web/a.py", "from mainstay.access import rules\n"),
    "uphill inside a function": ("web/a.py", "def f():\n    from mainstay.access import rules\n"),
    "uphill for types alone": (
        "web/a.py",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from mainstay.access import rules\n",
    ),
    "a room that imports a room": ("tenancy/a.py", "from mainstay.identity import x\n"),
    "web that imports storage": ("web/a.py", "from mainstay.storage import x\n"),
    "a folder without a floor": ("attic/__init__.py", ""),
    "a circle": ("base/a.py", "from mainstay.base import b\n"),
}


@pytest.mark.parametrize("breach", [None, *UPHILL])
def test_the_floors_stop_an_import_that_runs_uphill(tmp_path: Path, breach: str | None) -> None:
    floors = configparser.ConfigParser()
    floors.read(ROOT / ".importlinter")
    package = tmp_path / "mainstay"
    for room in ("", "base", "web", "storage", "model", "access", "identity", "tenancy"):
        (package / room).mkdir(exist_ok=True)
        (package / room / "__init__.py").write_text("")
    (package / "access" / "rules.py").write_text("")
    (package / "base" / "b.py").write_text("from mainstay.base import a\n")
    (package / "base" / "a.py").write_text("")
    (package / "identity" / "x.py").write_text("")
    (package / "storage" / "x.py").write_text("")
    if breach:
        path, text = UPHILL[breach]
        (package / path).parent.mkdir(exist_ok=True)
        (package / path).write_text(text)
    done = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache", "--config", ROOT / ".importlinter"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path), "PATH": "/usr/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode != 0) == bool(breach), done.stdout
