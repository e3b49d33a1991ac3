"""One worker process: loads the app, and says in a sentence why it cannot start.

The process above it imports this module too, and none of what serves: that is imported when a worker begins.
"""

import asyncio
import atexit
import contextlib
import gc
import sys
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any, NoReturn

from granian.net import SocketSpec  # type: ignore[attr-defined]  # Granian names no exports
from granian.server.mp import MPServer

from mainstay.base.errors import MainstayError
from mainstay.cli.frame.ending import Refusal, end_now, refusal_of, say
from mainstay.cli.serving.connections import let_go_of_the_stalled
from mainstay.cli.serving.network_threads import let_gather_soon
from mainstay.cli.serving.parent import end_with_parent
from mainstay.cli.serving.plan import Asked, Checked, Plan

if TYPE_CHECKING:
    from mainstay.cli.serving.started import Started

# Connections that the kernel keeps for a worker which has not come to accept them yet.
BACKLOG = 4_096


@dataclass(frozen=True, slots=True)
class Worker:
    """What a worker process is to do.

    The first one finds out whether it can be done at all: it is told what was asked (`Asked`), and tells the process
    above either what is served where (`Checked`) or why it is not (`Refusal`). Those after it are told the plan.
    """

    order: Asked | Plan
    tells: Connection

    def serve(self, worker_id: int, process_name: str | None, *options: Any) -> None:
        """Serve with Granian until SIGTERM."""
        end_with_parent()
        try:
            plan, started = self._prepare()
        except MainstayError as error:
            self.refuse(refusal_of(error))
        let_go_of_the_stalled(plan.port)
        place = SocketSpec(plan.host, plan.port, BACKLOG)
        # Each worker listens for itself, and the kernel shares connections out among them (Linux, SO_REUSEPORT).
        listener = ((place, None), None) if sys.platform == "linux" else ((None, place.build()), None)
        MPServer._spawn_asgi_lifespan_worker(worker_id, process_name, lambda: started, listener, *options)

    def _prepare(self) -> "tuple[Plan, Started]":
        from mainstay.cli.serving import prepare  # noqa: PLC0415  all of the app, which the process above does without
        from mainstay.cli.serving.started import Started, leave_at_once  # noqa: PLC0415  likewise

        atexit.register(leave_at_once)
        if isinstance(self.order, Asked):
            app, plan = prepare.planned(self.order)
        else:
            plan = self.order
            app = prepare.loaded_for(plan.target, plan.settings).app

        async def ready() -> None:
            if isinstance(self.order, Asked):
                self._tell(await prepare.checked(app, plan))
            # What is there now stays: to look through all of it for garbage takes 50 ms, in which nobody is answered.
            gc.collect()
            gc.freeze()
            gathering.append(asyncio.get_running_loop().create_task(let_gather_soon(), name="mainstay-threads"))

        # A task that nobody holds may be taken for garbage.
        gathering: list[asyncio.Task[None]] = []

        return plan, Started(app, ready, self.refuse)

    def refuse(self, refusal: Refusal) -> NoReturn:
        """Leave, once the reason is told: by the process above, while it waits for its first worker."""
        if isinstance(self.order, Asked):
            self._tell(refusal)
        else:
            say(refusal, as_json=False)
        # Not by an exception: this is called from tasks and callbacks too, whose exceptions others report.
        end_now(refusal.code)

    def _tell(self, what: Checked | Refusal) -> None:
        # Without a parent there is nobody to tell, and this process is about to end.
        with contextlib.suppress(OSError):
            self.tells.send(what)


def serve_worker(worker_id: int, process_name: str | None, worker: Worker, _: Any, *options: Any) -> None:
    """What Granian starts in each worker process; it has no listener to share with them."""
    worker.serve(worker_id, process_name, *options)
