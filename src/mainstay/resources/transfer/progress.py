"""How far a transfer has come."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Progress:
    """Rows done so far, refused ones among them; for a file that is read also the place in it and its size."""

    done: int
    refused: int = 0
    position: int = 0
    size: int = 0


Watch = Callable[[Progress], None]
