"""A letter as it waits, and what it says sealed."""

import base64
import os
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from mainstay.base.secret import MasterKey

_NONCE = 12


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


class Seal:
    """AES-256-GCM under a key of its own: what a letter says opens only in the row it was written for."""

    def __init__(self, master: MasterKey) -> None:
        self._cipher = AESGCM(master.derive("mail/letters"))

    def close(self, id: UUID, recipient: str, said: dict[str, Any]) -> str:
        """The text to be stored. `said` holds what JSON can."""
        nonce = os.urandom(_NONCE)
        return base64.b64encode(nonce + self._cipher.encrypt(nonce, orjson.dumps(said), _bound(id, recipient))).decode()

    def open(self, letter: Letter) -> dict[str, Any] | None:
        """What it says; None for what was sealed under another master key, or altered."""
        try:
            raw = base64.b64decode(letter.sealed)
            opened = self._cipher.decrypt(raw[:_NONCE], raw[_NONCE:], _bound(letter.id, letter.recipient))
        except (InvalidTag, ValueError):
            return None
        said: dict[str, Any] = orjson.loads(opened)
        return said


def _bound(id: UUID, recipient: str) -> bytes:
    return f"mainstay/letter/{id}/{recipient}".encode()
