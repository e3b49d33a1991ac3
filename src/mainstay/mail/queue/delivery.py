"""Taking letters from the queue and handing them to the engine, until they are sent or given up."""

import asyncio
import contextlib
import logging
import secrets
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import Any
from uuid import UUID

from mainstay.base.clock import Clock
from mainstay.base.errors import ConfigurationError, MainstayError
from mainstay.mail.errors import Away, PutOff, Refused
from mainstay.mail.message import Message
from mainstay.mail.options import QueueOptions
from mainstay.mail.ports import Engine
from mainstay.mail.queue.compose import Composer, Unwanted
from mainstay.mail.queue.letter import Letter
from mainstay.mail.queue.pauses import SOON, after_away, after_put_off, between_looks
from mainstay.mail.queue.statements import BURY, FORGET, FORGET_GONE, IS_DUE, MARK_SENT, PUT_BACK, TAKE
from mainstay.mail.tables import DEAD, SENT
from mainstay.storage.control import ControlPlane

log = logging.getLogger("mainstay.mail")
HOUSEKEEPING = 600.0


@dataclass(slots=True)
class Counts:
    """What this process did with letters since it began."""

    queued: int = 0
    sent: int = 0
    put_off: int = 0
    away: int = 0
    dead: int = 0
    dropped: int = 0


class Outcome(Enum):
    """What came of one try."""

    sent = "sent"
    failed = "failed"
    away = "away"


class Delivery:
    """Sends what is due, at least once. Several processes may: each letter belongs to the one that took it.

    A letter is sent twice only where the process ends, or the database is lost for longer than the lease, between the
    server's yes and the note of it (RFC 5321 §6.1); then with the same Message-ID.
    """

    def __init__(
        self, control: ControlPlane, composer: Composer, engine: Engine, options: QueueOptions, clock: Clock
    ) -> None:
        self._control, self._composer, self._options, self._clock = control, composer, options, clock
        self.engine = engine
        self.counts = Counts()
        self._woken = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._stopping = False
        self._looks = len(SOON)
        self._away = 0
        # Sent, and not noted yet since the database did not answer.
        self._unnoted: set[UUID] = set()

    # The loop

    def hasten(self) -> None:
        """Look soon, and a few times: a letter is in a transaction that is about to be committed here."""
        self._looks = 0
        self._woken.set()

    async def start(self) -> None:
        self._stopping = False
        self._task = asyncio.create_task(self._run(), name="mainstay-mail")

    async def stop(self) -> None:
        """Finish the letters under way; what takes over ten seconds is tried again by whoever comes next."""
        task, self._task = self._task, None
        self._stopping = True
        self._woken.set()
        if task is not None:
            _, late = await asyncio.wait([task], timeout=10)
            for each in late:
                each.cancel()
            await asyncio.wait([task])

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        cleaned = float("-inf")
        while not self._stopping:
            self._woken.clear()
            found = 0
            try:
                found = await self.step()
                if loop.time() - cleaned > HOUSEKEEPING:
                    cleaned = loop.time()
                    await self.clean()
            except MainstayError as error:
                log.warning("letters wait: %s %s", error, getattr(error, "fix", None) or "")
            except Exception:
                log.exception("letters wait")
            if self._away:
                # Not to be woken: the server is no nearer for a new letter.
                await self._pause(after_away(self._away), woken=False)
            elif not found:
                await self._pause(self._until_next_look())

    def _until_next_look(self) -> float:
        if self._looks < len(SOON):
            self._looks += 1
            return SOON[self._looks - 1]
        return between_looks(self._options)

    async def _pause(self, seconds: float, *, woken: bool = True) -> None:
        deadline = asyncio.get_running_loop().time() + seconds
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(deadline):
                while not self._stopping:
                    await self._woken.wait()
                    if woken:
                        return
                    self._woken.clear()

    # One round

    async def deliver(self) -> int:
        """Send all that is due now; answers how many letters were tried."""
        tried = 0
        while found := await self.step():
            tried += found
            if self._away:
                break
        return tried

    async def step(self) -> int:
        """Take a few letters that are due and try each once; answers how many."""
        for id in list(self._unnoted):
            await self._note(id)
        now = self._clock.now()
        if not await self._control.fetch(IS_DUE, now=now):
            return 0
        token = secrets.token_hex(8)
        taken = await self._control.write(self._take(token))
        if taken:
            # None is stopped for another's sake: a letter that is cut off in its sending may be sent twice.
            ended = await asyncio.gather(*(self._try(Letter(*row), token) for row in taken), return_exceptions=True)
            self._away = self._away + 1 if Outcome.away in ended and Outcome.sent not in ended else 0
            for each in ended:
                if isinstance(each, BaseException):
                    raise each
        return len(taken)

    def _take(self, token: str) -> Any:
        now = self._clock.now()
        until = now + timedelta(seconds=self._options.lease)
        rows = yield self._control.step(TAKE, now=now, until=until, token=token, at_once=self._options.at_once)
        return self._control.read(TAKE, rows)

    async def _try(self, letter: Letter, token: str) -> "Outcome":
        try:
            if letter.attempts > self._options.tries:
                raise Refused(f"it was begun {self._options.tries} times and never ended")
            await self._send(await self._composer.compose(letter))
        except Unwanted as unwanted:
            await self._bury(letter, token, str(unwanted), quietly=True)
        except (Refused, ConfigurationError) as error:
            await self._bury(letter, token, self._composer.without_secrets(letter, str(error)))
        except PutOff as error:
            await self._put_off(letter, token, self._composer.without_secrets(letter, str(error)))
        except Away as error:
            await self._wait_for_server(letter, token, self._composer.without_secrets(letter, str(error)))
            return Outcome.away
        else:
            self.counts.sent += 1
            self._unnoted.add(letter.id)
            await self._note(letter.id)
            return Outcome.sent
        return Outcome.failed

    async def _send(self, message: Message) -> None:
        try:
            async with asyncio.timeout(self._options.deadline):
                await self.engine.send(message)
        except TimeoutError:
            raise Away(f"sending took longer than {self._options.deadline:.0f} seconds") from None

    # What came of it

    async def _note(self, id: UUID) -> None:
        await self._control.write(self._one(MARK_SENT, letter=id, now=self._clock.now()))
        self._unnoted.discard(id)

    async def _bury(self, letter: Letter, token: str, why: str, *, quietly: bool = False) -> None:
        if not await self._control.write(
            self._one(BURY, letter=letter.id, token=token, now=self._clock.now(), why=why)
        ):
            return
        if not quietly:
            self.counts.dead += 1
            log.error("a letter is given up: %s", why, extra={"letter": str(letter.id), "kind": letter.kind})

    async def _put_off(self, letter: Letter, token: str, why: str) -> None:
        self.counts.put_off += 1
        if letter.attempts >= self._options.tries or self._has_waited_enough(letter):
            await self._bury(letter, token, f"{why} (tried {letter.attempts} times)")
            return
        pause = after_put_off(self._options, letter.attempts)
        await self._back(letter, token, pause, why, letter.attempts)
        log.warning(
            "a letter is put off for %.0f s: %s", pause, why, extra={"letter": str(letter.id), "kind": letter.kind}
        )

    async def _wait_for_server(self, letter: Letter, token: str, why: str) -> None:
        self.counts.away += 1
        if self._has_waited_enough(letter):
            await self._bury(letter, token, f"{why} (since {letter.created_at:%Y-%m-%d %H:%M} UTC)")
            return
        # The letter is not to blame: it is not counted as a try, and is among the first once there is an answer.
        await self._back(letter, token, after_away(self._away + 1), why, letter.attempts - 1)
        if not self._away:
            log.error("letters wait, for %s is away: %s", self.engine.name, why)

    def _has_waited_enough(self, letter: Letter) -> bool:
        return (self._clock.now() - letter.created_at).total_seconds() > self._options.patience

    async def _back(self, letter: Letter, token: str, pause: float, why: str, tried: int) -> None:
        until = self._clock.now() + timedelta(seconds=pause)
        await self._control.write(self._one(PUT_BACK, letter=letter.id, token=token, until=until, why=why, tried=tried))

    def _one(self, core: Any, **values: Any) -> Any:
        return bool((yield self._control.step(core, **values)))

    async def clean(self) -> None:
        """Forget letters that were sent or given up long ago."""
        for state, kept in ((SENT, self._options.keep_sent), (DEAD, self._options.keep_dead)):
            before = self._clock.now() - timedelta(seconds=kept)
            await self._control.write(self._one(FORGET, before=before, ended=state))
        await self._control.write(self._one(FORGET_GONE))
