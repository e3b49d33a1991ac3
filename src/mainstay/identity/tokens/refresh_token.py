"""Family tokens: refresh tokens, and the values of session cookies. Each names its session and its number in it.

Two halves follow the name. One comes of the session's own salt, and a database can check it; the other is an
HMAC-SHA256 (256 bits) over all of it under the master key, which no database ever sees. Every worker gives the same
token for the same number, and neither a copy of the database nor the master key alone makes one.
"""

import base64
import hmac
import os
import re
from hashlib import sha256
from typing import Literal, NamedTuple
from uuid import UUID

from mainstay.base.secret import KeyedHash, MasterKey

Kind = Literal["bearer", "cookie"]
# They let secret scanners recognise one that leaked. A refresh token is never taken for a cookie, nor the reverse.
PREFIXES: dict[Kind, str] = {"bearer": "mrt_", "cookie": "mst_"}
_SESSION, _NAME, _SIGNED = 16, 20, 36
# Of the half that comes of the salt, in hexadecimal digits: 128 bits.
HALF = 32
# 16 + 4 + 16 + 32 bytes. Base64 has two spare bits at its end here, and the decoder skips what it does not know.
_spelling = re.compile(r"[A-Za-z0-9_-]{90}[AEIMQUYcgkosw048]")


class Shown(NamedTuple):
    """What a token says that was made under the master key. Whether its session made it, `is_of` tells."""

    named: bytes  # the session and the number, as in the token
    number: int
    half: str

    @property
    def session_id(self) -> UUID:
        return UUID(bytes=self.named[:_SESSION])

    def is_of(self, salt: str) -> bool:
        """Whether it belongs to the session with this salt, in constant time."""
        # A row without a salt is older than these tokens, and none of them is its own.
        return hmac.compare_digest(half_of(self.named.hex(), salt), self.half) and bool(salt)


class FamilyTokens:
    """Makes family tokens under the newest master key, and reads those that a previous one made as well."""

    def __init__(self, master: MasterKey) -> None:
        self._keys = [
            {kind: KeyedHash(key.derive(f"identity/family-token/{kind}")) for kind in PREFIXES}
            for key in (master, *master.previous)
        ]

    def spell(self, kind: Kind, session: bytes, number: int, salt: str) -> str:
        """The token of this number, of the session with this id and salt."""
        named = session + number.to_bytes(_NAME - _SESSION, "big")
        signed = named + bytes.fromhex(half_of(named.hex(), salt))
        raw = signed + self._keys[0][kind].of(signed)
        return PREFIXES[kind] + base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

    def read(self, kind: Kind, token: str) -> Shown | None:
        """What the token says; None for what no key of ours made, or is not spelled exactly as `spell` does."""
        if not token.startswith(PREFIXES[kind]) or _spelling.fullmatch(token, 4) is None:
            return None
        raw = base64.urlsafe_b64decode(token[4:] + "=")
        signed, proof = raw[:_SIGNED], raw[_SIGNED:]
        held = [hmac.compare_digest(keys[kind].of(signed), proof) for keys in self._keys]
        if True not in held:
            return None
        return Shown(signed[:_NAME], int.from_bytes(signed[_SESSION:_NAME], "big"), signed[_NAME:].hex())


def half_of(named: str, salt: str) -> str:
    """What the salt makes of a session and a number (40 hexadecimal digits); `refresh_at_once` has the same in SQL."""
    return sha256((salt + named).encode()).hexdigest()[:HALF]


def fresh_salt() -> str:
    return base64.urlsafe_b64encode(os.urandom(32)).rstrip(b"=").decode()
