"""Tokens of devices on which somebody has signed in before, so that others' guesses do not make them wait.

OWASP's device cookies (owasp.org/www-community/Slow_Down_Online_Guessing_Attacks_with_Device_Cookies): attempts at an
account from such a device are counted for the device alone. A token opens nothing. It names nobody: it holds a random
number, and a signature over that and the user's id, which nobody can check who does not know both the id and the key.
"""

import base64
import hmac
import re
import secrets
import struct
from uuid import UUID

from mainstay.base.clock import Clock
from mainstay.base.secret import KeyedHash, MasterKey

LABEL = "identity/devices"
A_DAY = 86_400
NUMBER, SIGNATURE = 12, 16
# Of so many people who share a device each has a token in it.
MOST = 4
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")


class DeviceTokens:
    """Makes them, and knows them again for `days`. Nothing is stored."""

    def __init__(self, master: MasterKey, clock: Clock, days: int) -> None:
        self._keys = [KeyedHash(each.derive(LABEL)) for each in (master, *master.previous)]
        self._clock, self._days = clock, days

    @property
    def lasts(self) -> int:
        """Seconds."""
        return self._days * A_DAY

    def give(self, user_id: UUID, shown: str | None) -> str:
        """A fresh token for this user, with those of others that the device has shown."""
        number = secrets.token_bytes(NUMBER) + struct.pack(">I", self._today())
        fresh = base64.urlsafe_b64encode(number + _signed(self._keys[0], user_id, number)).decode().rstrip("=")
        others = [each for each in _apart(shown) if self._named(user_id, each) is None]
        return ".".join([fresh, *others][:MOST])

    def device_of(self, user_id: UUID | None, shown: str | None) -> str | None:
        """What this user's device is counted under; None where none of the tokens is one of theirs."""
        if user_id is None:
            return None
        return next((name for each in _apart(shown) if (name := self._named(user_id, each)) is not None), None)

    def _named(self, user_id: UUID, token: str) -> str | None:
        raw = base64.urlsafe_b64decode(token + "=")
        number, signature = raw[:-SIGNATURE], raw[-SIGNATURE:]
        if not any(hmac.compare_digest(_signed(key, user_id, number), signature) for key in self._keys):
            return None
        age = self._today() - struct.unpack(">I", number[NUMBER:])[0]
        return f"{user_id}/{number.hex()}" if age <= self._days else None

    def _today(self) -> int:
        return int(self._clock.now().timestamp()) // A_DAY


def _apart(shown: str | None) -> list[str]:
    return [] if shown is None else [each for each in shown.split(".", MOST)[:MOST] if _TOKEN.fullmatch(each)]


def _signed(key: KeyedHash, user_id: UUID, number: bytes) -> bytes:
    return key.of(b"device\0" + user_id.bytes + number)[:SIGNATURE]
