"""Values sealed at rest under the master key: AES-256-GCM, each bound to the row it belongs to."""

import base64
import binascii
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from mainstay.base.secret import MasterKey

_NONCE = 12


class Seal:
    """Seals under the newest master key and opens what any of the previous ones sealed.

    Each use has a label of its own, hence a key of its own.
    """

    def __init__(self, master: MasterKey, label: str) -> None:
        self._ciphers = tuple(AESGCM(key.derive(label)) for key in (master, *master.previous))

    def close(self, plain: bytes, bound: bytes) -> str:
        """The sealed value, as text. It opens only with the same `bound`: a row's value is of no use in another."""
        return base64.b64encode(encrypt(self._ciphers[0], plain, bound)).decode()

    def open(self, sealed: str, bound: bytes) -> bytes | None:
        """What was sealed; None where it was sealed under a key that is not known, for another row, or altered."""
        found = self._find(sealed, bound)
        return None if found is None else found[1]

    def outdated(self, sealed: str, bound: bytes) -> bool:
        """Whether a previous master key sealed this, so that it should be sealed anew."""
        found = self._find(sealed, bound)
        return found is not None and found[0] > 0

    def _find(self, sealed: str, bound: bytes) -> tuple[int, bytes] | None:
        raw = raw_of(sealed)
        for place, cipher in enumerate(self._ciphers):
            opened = None if raw is None else decrypt(cipher, raw, bound)
            if opened is not None:
                return place, opened
        return None


def encrypt(cipher: AESGCM, plain: bytes, bound: bytes) -> bytes:
    """A nonce of 12 bytes, then what it was sealed to."""
    nonce = os.urandom(_NONCE)
    return nonce + cipher.encrypt(nonce, plain, bound)


def decrypt(cipher: AESGCM, raw: bytes, bound: bytes) -> bytes | None:
    """What was sealed, or None."""
    try:
        return cipher.decrypt(raw[:_NONCE], raw[_NONCE:], bound)
    except (InvalidTag, ValueError):
        return None


def raw_of(sealed: str) -> bytes | None:
    """The bytes of a sealed text; None for what is no base64."""
    try:
        return base64.b64decode(sealed, validate=True)
    except (binascii.Error, ValueError):
        return None
