"""The mail room as one object: what apps, flows and wiring call."""

import asyncio
import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import orjson

from mainstay.base.clock import Clock, SystemClock
from mainstay.base.context import current_caller
from mainstay.base.errors import ConfigurationError, MainstayError
from mainstay.base.ids import uuid7
from mainstay.base.secret import MasterKey
from mainstay.base.tenant import SystemScope
from mainstay.mail.address import require_mailbox, require_recipient
from mainstay.mail.errors import LetterUnreadable, QueueFull
from mainstay.mail.message import Message, one_line
from mainstay.mail.options import MailOptions
from mainstay.mail.ports import Engine
from mainstay.mail.queue.compose import Composer
from mainstay.mail.queue.delivery import Counts, Delivery
from mainstay.mail.queue.letter import Envelope
from mainstay.mail.queue.overflow import Overflow
from mainstay.mail.queue.statements import ADD, BELONG, GIVEN_UP, WAITING_NOW
from mainstay.mail.reader import Reader
from mainstay.mail.render import Rendered, Templates
from mainstay.mail.tables import DEAD
from mainstay.mail.unsubscribe import Unsubscribing
from mainstay.storage import Database, errors
from mainstay.storage.control import ControlPlane, Heard, Step

log = logging.getLogger("mainstay.mail")
# How long a command waits for its letters to be sent before it ends.
LEAVING = 10.0
_LIST = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class GivenUp:
    """A letter that was not sent. What it said is gone; why it was given up stays for a month."""

    id: UUID
    kind: str
    to: str
    written_at: datetime
    given_up_at: datetime
    tries: int
    reason: str


class Mail:
    """Letters: written into the queue with what they tell of, sent after the commit.

    `open()` before use, on the loop that serves; `close()` after.
    """

    def __init__(
        self,
        database: Database,
        system: SystemScope,
        master_key: MasterKey,
        engine: Engine,
        options: MailOptions | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.options = options or MailOptions()
        self._clock = clock or SystemClock()
        self._control = ControlPlane(database, system)
        self._sender = require_mailbox(self.options.sender, "MAINSTAY_MAIL__SENDER")
        self._domain = self._sender[1].rpartition("@")[2]
        answers = self.options.reply_to
        reply_to = None if answers is None else require_mailbox(answers, "MAINSTAY_MAIL__REPLY_TO")
        self._envelope, self.templates = Envelope(master_key), Templates(self.options)
        self.unsubscribing = Unsubscribing(self._control, master_key, self.options.url, self._clock)
        composer = Composer(self._envelope, self.templates, self.unsubscribing, self._sender, reply_to)
        self._delivery = Delivery(self._control, composer, engine, self.options.queue, self._clock)
        self._overflow = Overflow(self.counts, self._clock, self.options.queue.most)
        self.reader = Reader(self._control)
        self._serving = False

    @property
    def engine(self) -> Engine:
        """What hands letters on."""
        return self._delivery.engine

    @property
    def counts(self) -> Counts:
        """What this process did with letters."""
        return self._delivery.counts

    async def open(self, *, serving: bool = True) -> None:
        """Begin to send what waits. Without `serving` letters are sent by `deliver`, and at the end by `close`."""
        self._serving = serving
        if serving:
            await self._delivery.start()

    async def close(self) -> None:
        """Finish the letters under way. What still waits is in the database."""
        if self._serving:
            await self._delivery.stop()
        elif self.counts.queued:
            await self._deliver_own()
        await self.engine.close()

    # Writing letters

    def letter(
        self,
        kind: str,
        to: str,
        values: Mapping[str, Any] | None = None,
        *,
        language: str | None = None,
        person: UUID | None = None,
    ) -> Sequence[Step]:
        """The statements that queue one letter, for a transaction of the caller's: no letter without its commit.

        They are run by `in_turn`. A full queue takes no letter, and says so in the logs and figures alone: what a
        stranger is answered may not depend on it. `person` is the user it is written for, where somebody else may have
        the address. Raises UnknownTemplate, and Invalid for what is no address.
        """
        step = self._step(kind, to, values or {}, language, None, None, None, person)
        self._delivery.hasten()
        return (Heard.by(self._overflow.hear, step),)

    def belong(self, address: str, person: UUID) -> Sequence[Step]:
        """The steps after which the letters that went to this address until now are the user's, who gives it up."""
        return (self._control.step(BELONG, address=address, user=person),)

    async def send(
        self,
        template: str,
        to: str,
        values: Mapping[str, Any] | None = None,
        *,
        language: str | None = None,
        list: str | None = None,
        reply_to: str | None = None,
        once: str | None = None,
    ) -> bool:
        """Queue one letter in a transaction of its own; answers whether there will be one.

        `list` names a mailing list: the letter says how to leave it, and is not written for those who have. `once`
        names what the letter tells of: told a second time, it is not written again. Raises UnknownTemplate,
        LetterUnreadable, QueueFull, and Invalid for what is no address.
        """
        if list is not None and not _LIST.fullmatch(list):
            raise ConfigurationError(f"{list!r} cannot be a mailing list.", fix="Name it as a host is named: news.")
        answers = None if reply_to is None else require_recipient(reply_to)
        step = self._step(template, to, values or {}, language, list, answers, once)
        if list is not None and await self.unsubscribing.has_unsubscribed(list, require_recipient(to)):
            return False
        try:
            added = await self._control.write(self._add(step))
        except errors.UniqueClash:
            return False
        if not added:
            self._overflow.drop()
            raise QueueFull("Too many letters wait to be sent; try again later.")
        self._delivery.hasten()
        return True

    async def _deliver_own(self) -> None:
        # A command or a script: there may be no server that will do it soon.
        try:
            async with asyncio.timeout(LEAVING):
                await self.deliver()
        except (TimeoutError, MainstayError):
            log.warning("letters still wait, to be sent when the app is served")

    def _add(self, step: Step) -> Any:
        return bool((yield step))

    def _step(
        self,
        kind: str,
        to: str,
        values: Mapping[str, Any],
        language: str | None,
        list: str | None,
        reply_to: str | None,
        once: str | None,
        person: UUID | None = None,
    ) -> Step:
        recipient = require_recipient(to)
        said = {name: _plain(value) for name, value in values.items()}
        if list is not None:
            said.setdefault("unsubscribe", self.unsubscribing.link(list, recipient))
        if self.options.strict:
            self.templates.render(kind, recipient, said, language)
        else:
            self.templates.require(kind, language)
        if list is not None:
            del said["unsubscribe"]
        id, now, caller = uuid7(), self._clock.now(), current_caller()
        most = self.options.queue.most
        self.counts.queued += 1
        return self._control.step(
            ADD,
            id=id,
            kind=kind,
            recipient=recipient,
            language=None if language is None else one_line(language)[:35],
            list=list,
            bulk=0 if list is None else 1,
            once=once,
            tenant_id=caller.scope.tenant_id if caller is not None and caller.scope is not None else None,
            message_id=f"{id.hex}@{self._domain}",
            sealed=self._envelope.close(id, recipient, {"values": said, "reply_to": reply_to}),
            created_at=now,
            person=person,
            due_at=now,
            most=most if list is None else most // 2,
        )

    # Looking on

    def preview(
        self, kind: str, values: Mapping[str, Any], *, to: str = "ada@example.com", language: str | None = None
    ) -> Rendered:
        """What a letter would say."""
        return self.templates.render(kind, to, values, language)

    async def send_test(self, to: str) -> None:
        """Send a letter at once, past the queue. Raises Refused, PutOff or Away with what the server said."""
        recipient, id = require_recipient(to), uuid7()
        letter = self.templates.render("test-letter", recipient, {})
        await self.engine.send(
            Message(
                f"{id.hex}@{self._domain}",
                self._clock.now(),
                "test-letter",
                self._sender,
                recipient,
                letter.subject,
                letter.text,
                letter.html,
                letter.language,
            )
        )

    async def deliver(self) -> int:
        """Send all that is due now, instead of waiting for the loop; answers how many letters were tried."""
        return await self._delivery.deliver()

    async def waiting(self) -> tuple[int, datetime | None]:
        """How many letters wait, and since when the oldest does."""
        rows = await self._control.fetch(WAITING_NOW)
        count, oldest = rows[0]
        return count, oldest

    async def given_up(self, most: int = 100) -> Sequence[GivenUp]:
        """Letters that were not sent, the latest first."""
        return [GivenUp(*row) for row in await self._control.fetch(GIVEN_UP, ended=DEAD, most=most)]


def _plain(value: Any) -> Any:
    """A value that JSON can hold. Times are written so that every reader understands them."""
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise LetterUnreadable("A letter is given a time without a time zone.", fix="Pass an aware datetime.")
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    if isinstance(value, Mapping):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(each) for each in value]
    if value is None or isinstance(value, str | bool | int | float | date | UUID):
        return orjson.loads(orjson.dumps(value))
    return str(value)
