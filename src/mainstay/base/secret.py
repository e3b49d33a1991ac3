"""Secrets that do not print themselves, and the keys derived from the master key."""

import hashlib
import hmac
from collections.abc import Sequence

from mainstay.base.errors import ConfigurationError

MINIMUM_BYTES = 32


class Secret:
    """A string that is masked wherever it might be printed. `reveal()` is the only way to the value."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return "Secret('********')"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self._value, other._value)

    def __hash__(self) -> int:
        return hash(self._value)


class MasterKey:
    """The key under which everything else is sealed or signed.

    Each use derives its own 256-bit key with HKDF-SHA256 (RFC 5869) under its own label, so that no key serves
    two purposes. `previous` are keys that were the master key once: what they sealed still opens, and nothing new is
    sealed under them. Raises ConfigurationError for a secret shorter than 32 bytes.
    """

    def __init__(self, secret: Secret, previous: "Sequence[MasterKey]" = ()) -> None:
        self.previous = tuple(previous)
        material = secret.reveal().encode()
        if len(material) < MINIMUM_BYTES:
            raise ConfigurationError(
                f"MAINSTAY_SECRET_KEY has {len(material)} bytes; at least {MINIMUM_BYTES} are needed.",
                fix="Make one with: python -c 'import secrets; print(secrets.token_urlsafe(48))'",
            )
        self._extracted = hmac.digest(b"mainstay/1", material, hashlib.sha256)

    def derive(self, label: str) -> bytes:
        """A 32-byte key for this label."""
        return hmac.digest(self._extracted, label.encode() + b"\x01", hashlib.sha256)

    def __repr__(self) -> str:
        return "MasterKey('********')"


class KeyedHash:
    """HMAC-SHA256 under one key, many times.

    The one-shot `hmac.digest` prepares the key anew for each message, and gives up the interpreter's lock for it: on a
    loop beside busy threads that costs tens of microseconds.
    """

    def __init__(self, key: bytes) -> None:
        self._prepared = hmac.new(key, digestmod=hashlib.sha256)

    def of(self, message: bytes) -> bytes:
        """The 32 bytes that go with this message."""
        begun = self._prepared.copy()
        begun.update(message)
        return begun.digest()
