"""The app is found by file, by module, or made by a factory; what is wrong with it is a sentence with its line."""

import pytest

from tests.rooms.cli.shell import Shell

APP = "from mainstay import Mainstay\n\n{name} = Mainstay(title='{title}')\n"
FACTORY = "from mainstay import Mainstay\n\n\ndef create_app():\n    return Mainstay(title='Made')\n"


def title(shell: Shell, *target: str) -> str:
    ended = shell("openapi", *target)
    assert ended.code == 0, ended.err
    found: str = ended.json["info"]["title"]
    return found


def test_app_py_is_found_without_being_named(shell: Shell) -> None:
    shell.write("app.py", APP.format(name="app", title="Here"))
    assert title(shell) == "Here"


@pytest.mark.parametrize(
    ("file", "text", "target", "expected"),
    [
        ("shop.py", APP.format(name="app", title="A"), "shop.py", "A"),
        ("deep/down/shop.py", APP.format(name="app", title="B"), "deep/down/shop.py", "B"),
        ("shop.py", APP.format(name="store", title="C"), "shop.py:store", "C"),
        ("shop.py", APP.format(name="store", title="D"), "shop.py", "D"),
        ("pkg/shop.py", APP.format(name="app", title="E"), "pkg.shop:app", "E"),
        ("shop.py", FACTORY, "shop.py", "Made"),
        ("shop.py", FACTORY, "shop.py:create_app", "Made"),
        ("shop/app.py", APP.format(name="app", title="F"), "shop", "F"),
    ],
)
def test_the_app_is_found(shell: Shell, file: str, text: str, target: str, expected: str) -> None:
    shell.write(file, text)
    assert title(shell, target) == expected


def test_a_file_inside_a_package_may_import_its_neighbours(shell: Shell) -> None:
    shell.write("pkg/__init__.py", "")
    shell.write("pkg/names.py", "TITLE = 'Neighbour'\n")
    shell.write(
        "pkg/app.py", "from mainstay import Mainstay\nfrom .names import TITLE\n\napp = Mainstay(title=TITLE)\n"
    )
    assert title(shell, "pkg/app.py") == "Neighbour"


@pytest.mark.parametrize(
    ("text", "target", "sentence"),
    [
        (None, "app.py", "there is no file app.py."),
        ("def f(:\n", "app.py", "app.py line 1 is not Python"),
        ("import os\nimport nowhere_to_be_found\n", "app.py", "app.py line 2 imports nowhere_to_be_found"),
        ("x = 1\n\ny = x / 0\n", "app.py", "app.py line 3 raises ZeroDivisionError"),
        ("x = 1\n", "app.py", "app.py makes no Mainstay app."),
        ("app = 5\n", "app.py", "app.py:app is a int"),
        (APP.format(name="store", title="A"), "app.py:app", "It has: store."),
        ("def create_app():\n    return 1 / 0\n", "app.py", "app.py line 2 raises ZeroDivisionError"),
        ("", "no-module:app", "names no file and no module"),
        ("", "absent.module:app", "imports absent"),
    ],
)
def test_what_is_wrong_is_a_sentence(shell: Shell, text: str | None, target: str, sentence: str) -> None:
    if text is not None:
        shell.write("app.py", text)
    ended = shell("openapi", target)
    assert ended.code == 3
    assert sentence in ended.err
    assert "Traceback" not in ended.err
    assert len(ended.err.strip().splitlines()) == 2, ended.err


def test_a_setting_that_cannot_be_used_is_a_sentence(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    shell.write("app.py", APP.format(name="app", title="A"))
    monkeypatch.setenv("MAINSTAY_PORT", "eighty")
    ended = shell("serve", "app.py", "--json")
    assert (ended.code, ended.error["code"]) == (3, "configuration")
    assert "MAINSTAY_PORT" in ended.error["message"]
