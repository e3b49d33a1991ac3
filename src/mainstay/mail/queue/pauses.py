"""How long to wait before the next try."""

import random

from mainstay.mail.options import QueueOptions

# A process that wrote a letter into a transaction looks for it after these: the commit is near, and nobody tells of it.
SOON = (0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64)
SHORTEST_AWAY, LONGEST_AWAY = 1.0, 30.0
_draw = random.SystemRandom()


def after_put_off(options: QueueOptions, attempts: int) -> float:
    """Twice as long each time, between half of that and all of it: many letters do not come back at one moment."""
    whole = min(options.longest_pause, options.pause * 2.0 ** min(attempts - 1, 30))
    return whole * _draw.uniform(0.5, 1.0)


def after_away(times: int) -> float:
    """Before a server that did not answer is asked again, by whichever letter."""
    return min(LONGEST_AWAY, SHORTEST_AWAY * 2.0 ** min(times - 1, 30)) * _draw.uniform(0.5, 1.0)


def between_looks(options: QueueOptions) -> float:
    return options.poll * _draw.uniform(0.75, 1.25)
