"""A letter as it waits, and what it says sealed."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from mainstay.base.secret import MasterKey
from mainstay.storage.sealing import Seal


@dataclass(frozen=True, slots=True)
class Letter:
    """One row of the queue, as whoever took it holds it."""

    id: UUID
    kind: str
    recipient: str
    language: str | None
    list: str | None
    message_id: str
    sealed: str
    created_at: datetime
    attempts: int


class Envelope:
    """What a letter says, sealed: it opens only in the row it was written for."""

    def __init__(self, master: MasterKey) -> None:
        self._seal = Seal(master, "mail/letters")

    def close(self, id: UUID, recipient: str, said: dict[str, Any]) -> str:
        """The text to be stored. `said` holds what JSON can."""
        return self._seal.close(orjson.dumps(said), _bound(id, recipient))

    def open(self, letter: Letter) -> dict[str, Any] | None:
        """What it says; None for what was sealed under a master key that is not known, or altered."""
        opened = self._seal.open(letter.sealed, _bound(letter.id, letter.recipient))
        return None if opened is None else orjson.loads(opened)


def _bound(id: UUID, recipient: str) -> bytes:
    return f"mainstay/letter/{id}/{recipient}".encode()
