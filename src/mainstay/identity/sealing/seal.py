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
        nonce = os.urandom(_NONCE)
        return base64.b64encode(nonce + self._ciphers[0].encrypt(nonce, plain, bound)).decode()

    def open(self, sealed: str, bound: bytes) -> bytes | None:
        """What was sealed; None where it was sealed under a key that is not known, for another row, or altered."""
        found = self._find(sealed, bound)
        return None if found is None else found[1]

    def outdated(self, sealed: str, bound: bytes) -> bool:
        """Whether a previous master key sealed this, so that it should be sealed anew."""
        found = self._find(sealed, bound)
        return found is not None and found[0] > 0

    def _find(self, sealed: str, bound: bytes) -> tuple[int, bytes] | None:
        try:
            raw = base64.b64decode(sealed, validate=True)
        except (binascii.Error, ValueError):
            return None
        for place, cipher in enumerate(self._ciphers):
            try:
                return place, cipher.decrypt(raw[:_NONCE], raw[_NONCE:], bound)
            except (InvalidTag, ValueError):
                continue
        return None
