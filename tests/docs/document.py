"""Run a document as its reader would: its files are written, its commands typed, its servers started, in one folder.

What a block means is told by its language:

- `python`, `toml`, `javascript`… whose first line is a comment with a file's name (`# shop/app.py`): that file is
  written;
- `python` without a name: it is run;
- `console`: each line that begins with `$ ` is typed into bash; the lines below it must appear in its output, in that
  order, where `…` stands for anything;
- `json`: it must be JSON. Every other language is only looked at.

A comment above a block changes that: `<!-- docs: serve -->` keeps its last command running in the background until the
document ends, and waits for its port; `<!-- docs: not run: <reason> -->` leaves it out; `<!-- docs: fails -->` expects
another exit code than 0. Port 8000 is replaced by a free one everywhere.
"""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from scripts.packages import held_port

FENCE = re.compile(r"^```([a-z]*)[^\n]*\n(.*?)^```$", re.M | re.S)
DIRECTION = re.compile(r"<!-- docs: ([^>]*?) -->\s*\Z")
FILE_NAME = re.compile(r"(?:#|//) ([\w./-]+\.\w+|[\w./-]*\.env)\n")
KNOWN = {"serve", "fails"}


class Broken(AssertionError):
    """The document does not do what it says; the message names the block's line."""


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block: where it stands, in which language, and what the comment above it asks for."""

    line: int
    language: str
    text: str
    direction: str

    @property
    def is_run(self) -> bool:
        return not self.direction.startswith("not run: ") and self.language in ("python", "console")


def blocks(text: str) -> Iterator[Block]:
    """The blocks of a document. Raises Broken for a comment that the runner does not know."""
    for match in FENCE.finditer(text):
        above = DIRECTION.search(text[: match.start()])
        direction = above[1] if above else ""
        line = text.count("\n", 0, match.start()) + 1
        if direction and direction not in KNOWN and not re.match(r"not run: \w+", direction):
            raise Broken(f"line {line}: the runner does not know `docs: {direction}`")
        if match[1] in ("sh", "bash", "shell"):
            raise Broken(f"line {line}: write commands as `console` with `$ `, so that they are run")
        yield Block(line, match[1], match[2], direction)


class Reader:
    """Somebody who follows a document in an empty folder, with Mainstay installed and nothing else set."""

    def __init__(self, folder: Path, port: int, after: ExitStack) -> None:
        self.folder, self.port, self._after = folder, port, after
        home = folder / ".home"
        home.mkdir()
        path = f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"
        self._environment = {
            "PATH": path,
            "HOME": str(home),
            "LANG": "C.UTF-8",
            "MAINSTAY_PORT": str(port),
            "COLUMNS": "120",
        }

    def follow(self, block: Block) -> None:
        """Do what one block asks for. Raises Broken where the document and the machine disagree."""
        # Not the 8000 inside a UUID.
        text = re.sub(r"(?<![-\w])8000(?![-\w])", str(self.port), block.text)
        name = FILE_NAME.match(block.text)
        if block.direction.startswith("not run: "):
            return
        if block.language == "json":
            json.loads(text)
        elif name and block.language != "console":
            path = self.folder / name[1]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        elif block.language == "python":
            self._type(block, f"{sys.executable} - <<'END_OF_BLOCK'\n{text}\nEND_OF_BLOCK", [])
        elif block.language == "console":
            self._follow_console(block, text)

    def _follow_console(self, block: Block, text: str) -> None:
        commands: list[tuple[str, list[str]]] = []
        for line in text.replace("\\\n", " ").splitlines():
            if line.startswith("$ "):
                commands.append((line[2:], []))
            elif commands and line.strip():
                commands[-1][1].append(line.rstrip())
        for number, (command, expected) in enumerate(commands, start=1):
            if block.direction == "serve" and number == len(commands):
                self._serve(block, command, expected)
            elif folder := re.fullmatch(r"cd (\S+)", command):
                self.folder = (self.folder / folder[1]).resolve()
            else:
                self._type(block, command, expected)

    def _type(self, block: Block, command: str, expected: list[str]) -> None:
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", command],
            cwd=self.folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )
        if (done.returncode != 0) != (block.direction == "fails"):
            raise Broken(f"line {block.line}: `{command}` ended with {done.returncode}:\n{done.stdout}")
        compare(block, command, expected, done.stdout)

    def _serve(self, block: Block, command: str, expected: list[str]) -> None:
        log = self.folder / f".server-{block.line}.log"
        with log.open("wb") as output:
            server = subprocess.Popen(
                ["bash", "-c", f"exec {command}"],
                cwd=self.folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._after.callback(stop, server)
        deadline = time.monotonic() + 60
        # The port may answer a moment before the banner is printed.
        while not (answers(self.port) and says(expected, log.read_text())):
            if server.poll() is not None or time.monotonic() > deadline:
                compare(block, command, expected, log.read_text())
                raise Broken(f"line {block.line}: `{command}` does not serve port 8000:\n{log.read_text()}")
            time.sleep(0.05)


def says(expected: list[str], output: str) -> bool:
    """Whether the expected lines stand in the output in their order; `…` is anything."""
    lines = iter(output.splitlines())
    patterns = [".*".join(map(re.escape, line.strip().split("…"))) for line in expected]
    return all(any(re.search(pattern, line) for line in lines) for pattern in patterns)


def compare(block: Block, command: str, expected: list[str], output: str) -> None:
    """Raise Broken unless the output says the expected lines."""
    if not says(expected, output):
        wanted = "\n".join(expected)
        raise Broken(f"line {block.line}: `{command}` printed\n{output}\nand not\n{wanted}")


def answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def stop(server: subprocess.Popen[bytes]) -> None:
    """End the server and what it started."""
    with suppress(ProcessLookupError):
        os.killpg(server.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        server.wait(30)
    # Its workers are in its group: none of them may outlive the document.
    with suppress(ProcessLookupError):
        os.killpg(server.pid, signal.SIGKILL)
    server.wait()


@contextmanager
def reader(folder: Path) -> Iterator[Reader]:
    """A reader in an empty folder; the servers that the document starts end with the block."""
    with held_port() as port, ExitStack() as after:
        yield Reader(folder, port, after)
