"""A worker ends with the process that started it, however that one ended."""

import multiprocessing
import os
import signal
import threading
import time
from multiprocessing.process import BaseProcess

# Requests under way may finish within this long of SIGTERM.
GRACE_SECONDS = 20


def end_with_parent() -> None:
    """From now on, stop as for SIGTERM when the parent is gone: nobody could stop or replace this process any more.

    The kernel's own signal for it (PR_SET_PDEATHSIG) follows the thread that started us, not the process.
    """
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_outlive, args=(parent,), name="mainstay-parent", daemon=True).start()


def _outlive(parent: BaseProcess) -> None:
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    os._exit(1)
