"""Letters on the terminal, for development: the developer reads them and opens their links."""

import sys
from typing import TextIO

from mainstay.mail.message import Message, one_line

RULE = "─" * 72


class Console:
    """Prints letters. Not through logging, which would take the links' secrets out."""

    name = "the terminal"

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream

    async def send(self, message: Message) -> None:
        """Print it."""
        # Asked for each time: a server may have put another stream in its place.
        stream = self._stream or sys.stderr
        head = f"To: {message.to}\nSubject: {one_line(message.subject)}"
        body = "".join(each for each in message.text if each in "\n\t" or each.isprintable())
        stream.write(f"{RULE}\n{head}\n\n{body.rstrip()}\n{RULE}\n")
        stream.flush()

    async def check(self) -> str:
        return "letters are printed on the terminal"

    async def close(self) -> None:
        """Nothing is held."""
