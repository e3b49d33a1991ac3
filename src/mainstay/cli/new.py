"""`mainstay new`: a small project that runs at once."""

import re
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from mainstay.cli.frame.ending import Refused
from mainstay.cli.frame.output import AsJson, Output

PARTS = {
    "app.py": "app.py.txt",
    ".env": "env.txt",
    ".gitignore": "gitignore.txt",
    "pyproject.toml": "pyproject.toml.txt",
    "tests/test_app.py": "test_app.py.txt",
    "README.md": "README.md.txt",
}


def new(
    name: Annotated[str, typer.Argument(help="The folder to make; its last part is the project's name.")],
    as_json: AsJson = False,
) -> None:
    """Make a project: an app of twenty lines, its settings, a test, a README.

    [dim]mainstay new shop && cd shop && mainstay dev[/dim]
    """
    folder = Path(name)
    project = folder.resolve().name
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]{0,63}", project):
        raise Refused(f"{project!r} cannot be a project's name.", fix="Use letters, digits, - and _, a letter first.")
    if folder.exists():
        raise Refused(f"{folder} exists already.", fix="Choose another name; nothing was changed.")
    words = {"name": project, "title": re.sub(r"[-_]+", " ", project).strip().title()}
    try:
        for path, source in PARTS.items():
            text = (files("mainstay.cli") / "project_files" / source).read_text()
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(_filled(text, words))
    except OSError as error:
        raise Refused(f"{folder} cannot be made: {error.strerror}.", fix="Choose a folder you may write to.") from None
    out = Output(as_json)
    out.answer({"created": str(folder), "files": sorted(PARTS)})
    out.say(f"[bold green]{escape(str(folder))}[/] is there: {', '.join(sorted(PARTS))}.")
    out.say(f"\n  cd {escape(str(folder))}\n  mainstay dev\n")


def _filled(text: str, words: dict[str, str]) -> str:
    for name, value in words.items():
        text = text.replace("{{ " + name + " }}", value)
    return text
