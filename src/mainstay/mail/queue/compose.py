"""From a row of the queue to a letter that is ready to be sent."""

import re
from collections.abc import Iterator
from typing import Any

from mainstay.mail.address import deliverable
from mainstay.mail.errors import Refused
from mainstay.mail.message import Message, one_line
from mainstay.mail.queue.letter import Envelope, Letter
from mainstay.mail.render import Templates
from mainstay.mail.unsubscribe import Unsubscribing

HIDDEN = "***"
SHORTEST_SECRET = 4
LONGEST_REASON = 300


class Unwanted(Exception):
    """The reader has unsubscribed since the letter was written."""


class Composer:
    """Opens what a letter says, and renders it for its reader."""

    def __init__(
        self,
        envelope: Envelope,
        templates: Templates,
        unsubscribing: Unsubscribing,
        sender: tuple[str, str],
        reply_to: tuple[str, str] | None,
    ) -> None:
        self._envelope, self._templates, self._unsubscribing = envelope, templates, unsubscribing
        self._sender, self._reply_to = sender, reply_to

    async def compose(self, letter: Letter) -> Message:
        """The letter. Raises Refused or a ConfigurationError for one that cannot be made, and Unwanted."""
        said = self._envelope.open(letter)
        if said is None:
            raise Refused("it was sealed under another MAINSTAY_SECRET_KEY")
        values: dict[str, Any] = said["values"]
        headers: dict[str, str] = {}
        if letter.list is not None:
            if await self._unsubscribing.has_unsubscribed(letter.list, letter.recipient):
                raise Unwanted("its reader has unsubscribed")
            link = self._unsubscribing.link(letter.list, letter.recipient)
            headers = self._unsubscribing.headers(letter.list, link, self._sender[1])
            values = {"unsubscribe": link, **values}
        rendered = self._templates.render(letter.kind, letter.recipient, values, letter.language)
        return Message(
            message_id=letter.message_id,
            date=letter.created_at,
            kind=letter.kind,
            sender=self._sender,
            to=letter.recipient,
            subject=rendered.subject,
            text=rendered.text,
            html=rendered.html,
            language=rendered.language,
            reply_to=_mailbox(said.get("reply_to")) or self._reply_to,
            headers=headers,
        )

    def without_secrets(self, letter: Letter, why: str) -> str:
        """The reason in one line. Servers quote what they refuse, and a letter's links and codes are nobody's."""
        said = self._envelope.open(letter) or {}
        for secret in sorted(set(_secrets(said.get("values"))), key=len, reverse=True):
            why = why.replace(secret, HIDDEN)
        return one_line(why)[:LONGEST_REASON]


def _secrets(value: Any) -> Iterator[str]:
    """Every text within, and of addresses their parts."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from _secrets(each)
        return
    text = str(value)
    if len(text) >= SHORTEST_SECRET and not isinstance(value, bool):
        yield text
        yield from (part for part in re.split(r"[/?&=#.:]+", text) if len(part) > 3 * SHORTEST_SECRET)


def _mailbox(address: str | None) -> tuple[str, str] | None:
    return None if address is None or deliverable(address) is None else ("", address)
