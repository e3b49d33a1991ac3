"""What a command says when all is well: tables and sentences for people, one JSON document for scripts."""

import json
import sys
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of words.")]


class Output:
    """Says things on stdout, in words or as JSON; progress goes to stderr and is never part of the answer."""

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json

    # Rich is imported when something is said: servers do without.

    @cached_property
    def _console(self) -> "Console":
        from rich.console import Console  # noqa: PLC0415  see above

        return Console(highlight=False, soft_wrap=True)

    def say(self, words: str) -> None:
        """A line for people. It may carry rich's markup; pass what users wrote through `escape()` first."""
        if not self.as_json:
            self._console.print(words)

    def answer(self, document: Any) -> None:
        """The document for scripts."""
        if self.as_json:
            json.dump(document, sys.stdout, indent=2, default=str, ensure_ascii=False)
            sys.stdout.write("\n")

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """A table for people."""
        if self.as_json:
            return
        from rich.table import Table  # noqa: PLC0415  see above

        table = Table(*columns, box=None, pad_edge=False, header_style="bold")
        for row in rows:
            table.add_row(*(each if isinstance(each, str) else str(each) for each in row))
        self._console.print(table)

    def progress(self, **columns: str) -> "Progress":
        """A progress bar on stderr; silent where stderr is no terminal, or where JSON was asked for."""
        from rich.console import Console  # noqa: PLC0415  see above
        from rich.progress import (  # noqa: PLC0415  see above
            BarColumn,
            Progress,
            SpinnerColumn,
            TaskProgressColumn,
            TextColumn,
            TimeElapsedColumn,
        )

        console = Console(stderr=True)
        return Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[rows]}"),
            TimeElapsedColumn(),
            console=console,
            disable=self.as_json or not console.is_terminal,
            transient=True,
        )


def pairs(values: Mapping[str, Any]) -> str:
    """`a 1 · b 2`, for one line of figures."""
    return " · ".join(
        f"{name} {value:,}" if isinstance(value, int) else f"{name} {value}" for name, value in values.items()
    )
