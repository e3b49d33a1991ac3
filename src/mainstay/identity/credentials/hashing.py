"""Argon2id, off the event loop and never more of it than the machine can bear."""

import asyncio
import os
import threading
import unicodedata
from collections.abc import AsyncIterator, Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

import argon2
from argon2.exceptions import InvalidHashError, VerificationError

from mainstay.base.errors import Unavailable
from mainstay.identity.credentials import bcrypt_hash
from mainstay.identity.credentials.forms import form_made, form_of, nobodys
from mainstay.identity.credentials.options import PasswordOptions

T = TypeVar("T")
NICENESS = 19
# Of those who are told no, so many are kept waiting for it; the others hear it at once.
MOST_WAITING = 1000


def normal_form(password: str) -> str:
    """What is hashed: NFKC, so that one password typed on two keyboards is one (NIST SP 800-63B-4 §3.1.1.2)."""
    return password if password.isascii() else unicodedata.normalize("NFKC", password)


@dataclass(frozen=True, slots=True)
class Match:
    """Whether the password was right, and whether its hash is to be made anew: other settings, or another form."""

    right: bool
    outdated: bool = False


class Turn:
    """One place among those who wait. Kept while work of it is under way, even if nobody waits for that any more."""

    def __init__(self, hashing: "PasswordHashing") -> None:
        self._hashing = hashing

    async def hash(self, password: str) -> str:
        """The Argon2id hash of the password's normal form."""
        return await self._hashing.run(lambda: self._hashing.argon.hash(normal_form(password)))

    async def verify(self, stored: str | None, password: str, forms: Iterable[str] = ()) -> Match:
        """Compare with the stored hash; None costs the same time and never matches.

        What does not match costs a comparison of each of these forms: so all take as long, whichever is stored.
        """
        return await self._hashing.run(lambda: self._hashing.compare(stored, password, forms))

    async def work(self, work: Callable[[], T]) -> T:
        """Something else that would hold up the loop."""
        return await self._hashing.run(work)


class PasswordHashing:
    """Hashes and verifies in its own threads. Raises Unavailable (503) where `options.queue` callers have a turn."""

    def __init__(self, options: PasswordOptions) -> None:
        self.argon = argon2.PasswordHasher(options.passes, options.memory_kib, options.lanes)
        self._threads = ThreadPoolExecutor(options.threads, "mainstay-argon2", initializer=_step_back)
        self._limit = options.queue
        self._patience = options.patience
        self._under_way = self._waiting = 0
        self._count = threading.Lock()
        self._form = form_made(options)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[Turn]:
        """A place in the queue, taken before anything is asked of the database. Raises Unavailable after `patience`."""
        if not self._take():
            await self._wait()
        try:
            yield Turn(self)
        finally:
            self._give_back()

    async def hash(self, password: str) -> str:
        async with self.turn() as turn:
            return await turn.hash(password)

    async def verify(self, stored: str | None, password: str) -> Match:
        """Compare with the stored hash; None costs the same time and never matches."""
        async with self.turn() as turn:
            return await turn.verify(stored, password)

    def compare(self, stored: str | None, password: str, forms: Iterable[str] = ()) -> Match:
        """As `Turn.verify`, in the thread that calls."""
        normal = normal_form(password)
        # Hashes from elsewhere, and of our own from before there was a normal form, are of the password as typed.
        typed = (normal,) if normal == password else (normal, password)
        if stored is not None and self._is_right(stored, normal):
            return Match(True, not stored.startswith("$argon2") or self.argon.check_needs_rehash(stored))
        if stored is not None and normal != password and self._is_right(stored, password):
            return Match(True, True)
        spent = None if stored is None else form_of(stored)
        for form in sorted({self._form, *forms} - {spent}):
            for each in typed:
                self._is_right(nobodys(form), each)
        return Match(False)

    def _is_right(self, stored: str, password: str) -> bool:
        if bcrypt_hash.is_one(stored):
            return bcrypt_hash.is_right(stored, password)
        try:
            return self.argon.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False

    async def run(self, work: Callable[[], T]) -> T:
        job = self._threads.submit(work)
        with self._count:
            self._under_way += 1
        # Counted until the thread is done, not until the caller stops waiting: a cancelled request costs its hash too.
        job.add_done_callback(self._done)
        try:
            # While it waits, a caller counts once: for its job.
            self._give_back()
            return await asyncio.wrap_future(job)
        finally:
            with self._count:
                self._under_way += 1

    async def _wait(self) -> None:
        # A flood that is told no at once comes back at once, and the answers themselves slow everybody down.
        if self._waiting < MOST_WAITING:
            self._waiting += 1
            try:
                await asyncio.sleep(self._patience)
            finally:
                self._waiting -= 1
            if self._take():
                return
        raise Unavailable("Too many people are signing in at this moment; try again.", code="sign_in_busy")

    def _take(self) -> bool:
        with self._count:
            if self._under_way >= self._limit:
                return False
            self._under_way += 1
        return True

    def _give_back(self) -> None:
        with self._count:
            self._under_way -= 1

    def _done(self, _: Future[T]) -> None:
        self._give_back()

    def close(self) -> None:
        self._threads.shutdown(wait=True, cancel_futures=True)


def _step_back() -> None:
    # A flood of sign-ins must not slow the other routes. On Linux a thread has its own niceness.
    if hasattr(os, "setpriority"):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
