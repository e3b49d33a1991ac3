"""Argon2id, off the event loop and never more of it than the machine can bear."""

import asyncio
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import argon2
from argon2.exceptions import InvalidHashError, VerificationError

from mainstay.base.errors import Unavailable
from mainstay.identity.options import PasswordOptions

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Match:
    """Whether the password was right, and whether its hash was made with settings we no longer use."""

    right: bool
    outdated: bool = False


class PasswordHashing:
    """Hashes and verifies in its own threads. Raises Unavailable (503) when `options.queue` hashes are under way."""

    def __init__(self, options: PasswordOptions) -> None:
        self._argon = argon2.PasswordHasher(options.passes, options.memory_kib, options.lanes)
        self._threads = ThreadPoolExecutor(options.threads, "mainstay-argon2", initializer=_step_back)
        self._limit = options.queue
        self._under_way = 0
        self._count = threading.Lock()
        # Verified against when there is no such user, so that the answer takes as long.
        self._nobody = self._argon.hash(os.urandom(16))

    async def hash(self, password: str) -> str:
        return await self._run(lambda: self._argon.hash(password))

    async def verify(self, stored: str | None, password: str) -> Match:
        """Compare with the stored hash; None costs the same time and never matches."""
        return await self._run(lambda: self._verify(stored, password))

    def _verify(self, stored: str | None, password: str) -> Match:
        try:
            self._argon.verify(self._nobody if stored is None else stored, password)
        except (VerificationError, InvalidHashError):
            return Match(right=False)
        if stored is None:
            return Match(right=False)
        return Match(right=True, outdated=self._argon.check_needs_rehash(stored))

    async def _run(self, work: Callable[[], T]) -> T:
        with self._count:
            if self._under_way >= self._limit:
                raise Unavailable("Too many people are signing in at this moment; try again.", code="sign_in_busy")
            self._under_way += 1
        job = self._threads.submit(work)
        # Counted until the thread is done, not until the caller stops waiting: a cancelled request costs its hash too.
        job.add_done_callback(self._done)
        return await asyncio.wrap_future(job)

    def _done(self, _: Future[T]) -> None:
        with self._count:
            self._under_way -= 1

    def close(self) -> None:
        self._threads.shutdown(wait=True, cancel_futures=True)


def _step_back() -> None:
    # A flood of sign-ins must not slow the other routes. On Linux a thread has its own niceness.
    if hasattr(os, "setpriority"):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)
