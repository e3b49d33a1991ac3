"""How a command ends: errors as sentences on stderr, and an exit code that scripts can use."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import Any, NoReturn

from rich.console import Console
from rich.text import Text

from mainstay.base.errors import ConfigurationError, MainstayError, Rejected


class Exit(IntEnum):
    """What the exit code of a command means."""

    done = 0
    refused = 1
    usage = 2
    configuration = 3
    interrupted = 130


class Refused(MainstayError):
    """The command was understood and cannot be done; the message says why, `fix` what to do."""

    def __init__(self, what: str, *, fix: str = "") -> None:
        super().__init__(f"{what} {fix}".strip())
        self.what = what
        self.fix = fix


@contextmanager
def ending(*, as_json: bool) -> Iterator[None]:
    """Turn what the command raises into a sentence and an exit code. Errors nobody expected keep their traceback."""
    try:
        yield
    except ConfigurationError as error:
        leave(Exit.configuration, "configuration", error.what, error.fix, as_json=as_json)
    except Refused as error:
        leave(Exit.refused, "refused", error.what, error.fix, as_json=as_json)
    except Rejected as error:
        words = "; ".join(f"{'.'.join(map(str, each.loc))}: {each.message}" for each in error.errors)
        what = f"{error.detail or error} {words}".strip()
        leave(Exit.refused, error.problem_code, what, error.fix or "", as_json=as_json)
    except MainstayError as error:
        leave(Exit.refused, "failed", str(error), "", as_json=as_json)
    except KeyboardInterrupt:
        sys.exit(Exit.interrupted)
    except BrokenPipeError:
        # `mainstay openapi | head` closed our stdout; Python would complain once more while it shuts down.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(Exit.refused)


def leave(code: Exit, kind: str, what: str, fix: str, *, as_json: bool) -> NoReturn:
    """Say what is so and what to do, and leave with this code."""
    say_error(kind, what, fix, as_json=as_json)
    sys.exit(code)


def say_error(kind: str, what: str, fix: str, *, as_json: bool) -> None:
    """The sentence on stderr: `error: what is so` and, below it, what to do."""
    if as_json:
        told: dict[str, Any] = {"error": {"code": kind, "message": what, "fix": fix or None}}
        print(json.dumps(told), file=sys.stderr)
        return
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    console.print(Text.assemble(("error: ", "bold red"), what[:1].lower() + what[1:] if _plain(what) else what))
    if fix:
        console.print(Text.assemble(("       ", ""), (fix, "cyan")))


def _plain(sentence: str) -> bool:
    """Whether the sentence opens with an ordinary word, which may begin in lower case after the colon."""
    first = sentence.split(" ", 1)[0]
    return first[1:].islower() and first.isalpha()
