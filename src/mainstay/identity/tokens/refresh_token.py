"""Family tokens: refresh tokens, and the values of session cookies. Each names its session and its number in it.

What follows the name is an HMAC-SHA256 (256 bits) over both, under the master key and the session's own salt: every
worker gives the same token for the same number, the database holds nothing that opens an account, and neither does
the master key alone.
"""

import base64
import hmac
import os
import re
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from mainstay.base.secret import KeyedHash, MasterKey

Kind = Literal["bearer", "cookie"]
# They let secret scanners recognise one that leaked. A refresh token is never taken for a cookie, nor the reverse.
PREFIXES: dict[Kind, str] = {"bearer": "mrt_", "cookie": "mst_"}
_NUMBER = 4
_MAC = 32
# 16 + 4 + 32 bytes. Base64 has four spare bits at its end here, and the decoder skips what it does not know.
_spelling = re.compile(r"[A-Za-z0-9_-]{69}[AQgw]")


@dataclass(frozen=True, slots=True)
class Shown:
    """What a well-formed token claims. Nothing is proved before `FamilyTokens.proves`."""

    session_id: UUID
    number: int
    proof: bytes


class FamilyTokens:
    """Makes family tokens under the newest master key, and checks those that a previous one made as well."""

    def __init__(self, master: MasterKey) -> None:
        self._keys = [
            {kind: KeyedHash(key.derive(f"identity/family-token/{kind}")) for kind in PREFIXES}
            for key in (master, *master.previous)
        ]

    def spell(self, kind: Kind, session_id: UUID, number: int, salt: str) -> str:
        """The token of this number."""
        name = session_id.bytes + number.to_bytes(_NUMBER, "big")
        raw = name + _proof(self._keys[0][kind], name, salt)
        return PREFIXES[kind] + base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

    def read(self, kind: Kind, token: str) -> Shown | None:
        """What the token claims; None for anything that is not spelled exactly as `spell` does."""
        if not token.startswith(PREFIXES[kind]) or _spelling.fullmatch(token, 4) is None:
            return None
        raw = base64.urlsafe_b64decode(token[4:] + "==")
        return Shown(UUID(bytes=raw[:16]), int.from_bytes(raw[16 : 16 + _NUMBER], "big"), raw[-_MAC:])

    def proves(self, kind: Kind, shown: Shown, salt: str) -> bool:
        """Whether we made it, in constant time."""
        name = shown.session_id.bytes + shown.number.to_bytes(_NUMBER, "big")
        # A row without a salt is older than these tokens, and none of them is its own.
        held = [hmac.compare_digest(_proof(keys[kind], name, salt), shown.proof) for keys in self._keys]
        return bool(salt) and True in held


def _proof(key: KeyedHash, name: bytes, salt: str) -> bytes:
    return key.of(name + salt.encode())


def fresh_salt() -> str:
    return base64.urlsafe_b64encode(os.urandom(32)).rstrip(b"=").decode()
