"""The letters that an app has sent in a test."""

from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeVar

from mainstay.assembly import Mainstay
from mainstay.base.errors import ConfigurationError
from mainstay.mail import Memory, Message

T = TypeVar("T")
Call = Callable[[Callable[[], Awaitable[T]]], T]


class Mailbox:
    """Everybody's letters: `backend.mailbox.last("ada@example.com").link`. Reading it sends what waits first.

    Each letter was queued, rendered from its template and brought into the form that mail servers take; only the last
    step, the mail server, is this process's memory.
    """

    def __init__(self, app: Mainstay, call: Callable[[Callable[[], Awaitable[Any]]], Any]) -> None:
        self._app, self._call = app, call
        self._read = 0

    @property
    def letters(self) -> list[Message]:
        """All letters since the test began, or since `clear()`; those that were written first come first."""
        # Several are sent at once, and arrive as they please; ids are in the order of writing.
        return sorted(self._sent()[self._read :], key=lambda letter: letter.message_id)

    def to(self, address: str) -> list[Message]:
        """The letters to this address."""
        return [each for each in self.letters if each.to == address]

    def last(self, address: str | None = None) -> Message:
        """The newest letter, to this address or to anybody. Raises LookupError where there is none."""
        found = self.letters if address is None else self.to(address)
        if not found:
            others = ", ".join(f"{each.kind} to {each.to}" for each in self.letters) or "there are no letters at all"
            raise LookupError(f"no letter{'' if address is None else f' to {address}'} was sent; {others}")
        return found[-1]

    def clear(self) -> None:
        """Put away what has come so far."""
        self._read = len(self._sent())

    def _sent(self) -> list[Message]:
        mail = self._app.rooms.mail
        if not isinstance(mail.engine, Memory):
            raise ConfigurationError(
                "The app's letters go elsewhere, so there is no mailbox.",
                fix="Leave `mail` out of the Backend's settings: in tests letters are kept in memory.",
            )
        self._call(mail.deliver)
        return list(mail.engine.messages)

    def __iter__(self) -> Iterator[Message]:
        return iter(self.letters)

    def __len__(self) -> int:
        return len(self.letters)

    def __repr__(self) -> str:
        return f"<Mailbox: {', '.join(f'{each.kind} to {each.to}' for each in self.letters) or 'empty'}>"
