"""A loop on a thread of its own, for `def` functions: they wait on their own thread, never on an event loop."""

import asyncio
import os
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

from mainstay.base.errors import ConfigurationError

T = TypeVar("T")


class Portal:
    """Runs coroutines for callers that have no loop. The thread is made when first needed, once a process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._process = 0

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run it there and wait for what comes of it."""
        return asyncio.run_coroutine_threadsafe(work, self._running()).result()

    def close(self, last: Coroutine[Any, Any, None]) -> None:
        """Run `last` there and end the thread, if there is one."""
        with self._lock:
            loop, thread = self._loop, self._thread
            self._loop = self._thread = None
        if loop is None or thread is None or self._process != os.getpid():
            last.close()
            return
        asyncio.run_coroutine_threadsafe(last, loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            # A fork takes the loop with it and leaves its thread behind.
            if self._loop is None or self._process != os.getpid():
                self._loop, self._process = asyncio.new_event_loop(), os.getpid()
                self._thread = threading.Thread(target=self._loop.run_forever, name="mainstay-cache", daemon=True)
                self._thread.start()
            return self._loop


def refuse_on_a_loop(name: str) -> None:
    """Raises ConfigurationError on a thread that runs an event loop: waiting here would stop everybody's requests."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise ConfigurationError(
        f"The cached function {name} is a plain def and was called on the event loop, where nothing may wait.",
        fix="Make it async def, or call it on a thread: FastAPI does so for def routes and dependencies.",
    )
