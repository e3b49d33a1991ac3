"""One entry of a chain, and the hash that ties it to the one before."""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

import orjson

from mainstay.base.secret import MasterKey
from mainstay.storage.types import utc_text

# What the first entry of a chain follows.
BEGINNING = "0" * 64


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of `tables.entries`, in its order. `origin` and `details` are sealed."""

    chain: UUID
    seq: int
    at: datetime
    name: str
    actor_id: UUID | None
    impersonator_id: UUID | None
    user_id: UUID | None
    session_id: UUID | None
    request_id: str | None
    subject: str | None
    origin: str | None
    details: str | None
    previous: str
    hash: str

    def digest(self) -> str:
        """SHA-256, in hex, over the canonical JSON of all else: names sorted, no blanks, UTF-8 (RFC 8785 §3.2)."""
        return digest(
            {
                "chain": str(self.chain),
                "seq": self.seq,
                "at": utc_text(self.at),
                "name": self.name,
                "actor_id": _text(self.actor_id),
                "impersonator_id": _text(self.impersonator_id),
                "user_id": _text(self.user_id),
                "session_id": _text(self.session_id),
                "request_id": self.request_id,
                "subject": self.subject,
                "origin": self.origin,
                "details": self.details,
                "previous": self.previous,
            }
        )

    def values(self) -> dict[str, Any]:
        """Its columns but the chain's."""
        names = [name for name in self.__slots__ if name != "chain"]
        return {name: getattr(self, name) for name in names}


def digest(content: dict[str, Any]) -> str:
    return sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()


def entry_of(row: Sequence[Any]) -> Entry:
    """The entry in a row of `tables.entries`."""
    return Entry(*row)


@dataclass(frozen=True, slots=True)
class Mark:
    """An entry of a chain by its number and hash: the newest one, the last one pruned, an anchor."""

    chain: UUID
    seq: int
    hash: str


class Sealer:
    """Signs marks with HMAC-SHA256 under keys that are not in the database; former master keys still verify."""

    def __init__(self, master: MasterKey) -> None:
        self._keys = [each.derive("telemetry/audit/seal") for each in (master, *getattr(master, "previous", ()))]

    def seal(self, kind: str, mark: Mark) -> str:
        return _mac(self._keys[0], kind, mark)

    def holds(self, kind: str, mark: Mark, seal: str) -> bool:
        return any(hmac.compare_digest(_mac(key, kind, mark), seal) for key in self._keys)


def _mac(key: bytes, kind: str, mark: Mark) -> str:
    return hmac.digest(key, f"{kind}|{mark.chain}|{mark.seq}|{mark.hash}".encode(), sha256).hex()


def _text(identifier: UUID | None) -> str | None:
    return None if identifier is None else str(identifier)
