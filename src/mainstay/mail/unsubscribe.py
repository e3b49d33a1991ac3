"""Leaving a mailing list: by a link that only this app can have made, in one click (RFC 8058)."""

import re
from collections.abc import Generator

from sqlalchemy import bindparam, delete, insert, select

from mainstay.base.clock import Clock
from mainstay.base.errors import ConfigurationError
from mainstay.base.secret import MasterKey
from mainstay.mail.tables import unsubscribed as t
from mainstay.storage import errors
from mainstay.storage.control import ControlPlane, Step
from mainstay.storage.sealing import Seal
from mainstay.storage.statement import Rows

PATH = "/mail/unsubscribe"
_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,1024}")
_PURPOSE = b"mainstay/unsubscribe"
# RFC 4648 §5: base64 without what means something in a link.
_IN_LINKS, _AS_SEALED = str.maketrans("+/", "-_"), str.maketrans("-_", "+/")

_reader = (t.c.list == bindparam("on"), t.c.recipient == bindparam("reader"))
HAS_UNSUBSCRIBED = select(t.c.at).where(*_reader)
UNSUBSCRIBE = insert(t).values({c.name: bindparam(c.name) for c in t.c})
SUBSCRIBE_AGAIN = delete(t).where(*_reader)


class Unsubscribing:
    """Makes links, reads them, and keeps who has left which list."""

    def __init__(self, control: ControlPlane, master: MasterKey, url: str | None, clock: Clock) -> None:
        self._control, self._url, self._clock = control, url, clock
        self._seal = Seal(master, "mail/unsubscribe")

    def link(self, list: str, recipient: str) -> str:
        """The page on which this reader leaves this list. Neither can be read from it.

        Raises ConfigurationError where the app's own address isn't known.
        """
        if self._url is None:
            raise ConfigurationError(
                "A letter to a mailing list links to where one leaves it, and MAINSTAY_PUBLIC_URL is not set.",
                fix="Set MAINSTAY_PUBLIC_URL to the address under which the world sees the app.",
            )
        sealed = self._seal.close(f"{list}\n{recipient}".encode(), _PURPOSE)
        return f"{self._url}{PATH}/{sealed.rstrip('=').translate(_IN_LINKS)}"

    def headers(self, list: str, link: str, sender: str) -> dict[str, str]:
        """What lets a mail program show a button for it (RFC 2369, RFC 2919, RFC 8058)."""
        named = {
            "List-Id": f"<{list}.{sender.rpartition('@')[2]}>",
            "List-Unsubscribe": f"<{link}>",
            "Precedence": "bulk",
        }
        # RFC 8058 §3.1: one click is for https alone.
        one_click = {"List-Unsubscribe-Post": "List-Unsubscribe=One-Click"} if link.startswith("https://") else {}
        return named | one_click

    def read(self, token: str) -> tuple[str, str] | None:
        """The list and the reader that a link was made for; None for one that we did not make."""
        if not _TOKEN.fullmatch(token):
            return None
        opened = self._seal.open(token.translate(_AS_SEALED) + "=" * (-len(token) % 4), _PURPOSE)
        if opened is None:
            return None
        list, _, recipient = opened.decode().partition("\n")
        return list, recipient

    async def has_unsubscribed(self, list: str, recipient: str) -> bool:
        return bool(await self._control.fetch(HAS_UNSUBSCRIBED, on=list, reader=recipient.lower()))

    async def unsubscribe(self, list: str, recipient: str) -> None:
        """Send this reader nothing more of this list. Doing it twice is doing it once."""
        at = self._clock.now()
        try:
            await self._control.write(
                _run(self._control.step(UNSUBSCRIBE, list=list, recipient=recipient.lower(), at=at))
            )
        except errors.UniqueClash:
            return

    async def subscribe_again(self, list: str, recipient: str) -> None:
        """Forget that they had left."""
        await self._control.write(_run(self._control.step(SUBSCRIBE_AGAIN, on=list, reader=recipient.lower())))


def _run(step: Step) -> Generator[Step, Rows, None]:
    yield step
