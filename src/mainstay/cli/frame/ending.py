"""How a command ends: errors as sentences on stderr, and an exit code that scripts can use."""

import json
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, NoReturn

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


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a command, or a worker, ends without having done its work."""

    code: Exit
    kind: str
    what: str
    fix: str = ""


def refusal_of(error: MainstayError) -> Refusal:
    """What the error means to whoever typed the command."""
    if isinstance(error, ConfigurationError):
        return Refusal(Exit.configuration, "configuration", error.what, error.fix)
    if isinstance(error, Refused):
        return Refusal(Exit.refused, "refused", error.what, error.fix)
    if isinstance(error, Rejected):
        places = [each for each in error.errors if each.message != error.detail]
        words = "; ".join(f"{'.'.join(map(str, each.loc))}: {each.message}" for each in places)
        return Refusal(Exit.refused, error.problem_code, f"{error.detail or error} {words}".strip(), error.fix or "")
    return Refusal(Exit.refused, "failed", str(error))


@contextmanager
def ending(*, as_json: bool) -> Iterator[None]:
    """Turn what the command raises into a sentence and an exit code. Errors nobody expected keep their traceback."""
    try:
        yield
    except MainstayError as error:
        leave(refusal_of(error), as_json=as_json)
    except KeyboardInterrupt:
        sys.exit(Exit.interrupted)
    except BrokenPipeError:
        # `mainstay openapi | head` closed our stdout; Python would complain once more while it shuts down.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(Exit.refused)


def leave(refusal: Refusal, *, as_json: bool) -> NoReturn:
    """Say what is so and what to do, and leave with its code."""
    say(refusal, as_json=as_json)
    sys.exit(refusal.code)


def end_now(code: int) -> NoReturn:
    """End this process, whatever runs in it: without Python taking its modules apart, which takes longest of all."""
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


def say(refusal: Refusal, *, as_json: bool) -> None:
    """The sentence on stderr: `error: what is so` and, below it, what to do."""
    what, fix = refusal.what, refusal.fix
    if as_json:
        told: dict[str, Any] = {"error": {"code": refusal.kind, "message": what, "fix": fix or None}}
        print(json.dumps(told), file=sys.stderr)
        return
    from rich.console import Console  # noqa: PLC0415  most commands end well, and servers keep what they import
    from rich.text import Text  # noqa: PLC0415  likewise

    console = Console(stderr=True, highlight=False, soft_wrap=True)
    console.print(Text.assemble(("error: ", "bold red"), what[:1].lower() + what[1:] if _plain(what) else what))
    if fix:
        console.print(Text.assemble(("       ", ""), (fix, "cyan")))


def _plain(sentence: str) -> bool:
    """Whether the sentence opens with an ordinary word, which may begin in lower case after the colon."""
    first = sentence.split(" ", 1)[0]
    return first[1:].islower() and first.isalpha()
