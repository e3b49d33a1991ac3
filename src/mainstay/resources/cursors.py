"""Cursors: a place in an order, signed, and of no use for another tenant, resource, sort or filter.

A cursor is base64url(MAC ‖ JSON list of the last row's sort values). The MAC is keyed BLAKE2b of
16 bytes (RFC 7693 §2.9), over the binding and the values, so the binding itself need not travel.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from hashlib import blake2b
from hmac import compare_digest
from typing import Any

import orjson

from mainstay.base.errors import CursorRefused, FieldError

_MAC = 16
_LONGEST = 8_192


class Cursors:
    """Seals and opens cursors under one key (`MasterKey.derive("resources.cursors")`)."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def seal(self, binding: bytes, values: list[Any]) -> str:
        """The cursor for this place. `values` are JSON-ready."""
        payload = orjson.dumps(values)
        # A length in front: no binding and payload can be cut differently and give the same message.
        message = b"%d:%b%b" % (len(binding), binding, payload)
        return urlsafe_b64encode(self._mac(message, _MAC) + payload).rstrip(b"=").decode()

    def mark(self, stored: bytes) -> str:
        """What stands for stored bytes where callers see it: nobody without the key can tell what they were."""
        # A label in front, unlike any seal's length: no mark is a cursor's MAC.
        return self._mac(b"mark:" + stored, 8).hex()

    def open(self, cursor: str, binding: bytes, name: str = "after") -> list[Any]:
        """The values of the place. Raises CursorRefused for whatever this key did not seal for this binding."""
        if len(cursor) <= _LONGEST and cursor.isascii():
            text = cursor.encode()
            try:
                sealed = urlsafe_b64decode(text + b"=" * (-len(text) % 4))
            except NotBase64:
                sealed = b""
            mac, payload = sealed[:_MAC], sealed[_MAC:]
            message = b"%d:%b%b" % (len(binding), binding, payload)
            genuine = compare_digest(mac, self._mac(message, _MAC))
            # Alphabets are read leniently: the same bytes in another spelling are still not our cursor.
            if genuine and urlsafe_b64encode(sealed).rstrip(b"=") == text:
                values: list[Any] = orjson.loads(payload)
                return values
        sentence = "This cursor does not belong to this query. Start again without it."
        raise CursorRefused(sentence, errors=[FieldError(("query", name), "cursor_refused", sentence)])

    def _mac(self, message: bytes, size: int) -> bytes:
        return blake2b(message, key=self._key, digest_size=size).digest()
