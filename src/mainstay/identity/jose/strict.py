"""One spelling of a token and no other: base64 without spare bits, JSON without repeated names, low signatures."""

import base64
import binascii
import json
from typing import Any, NoReturn

# The order of P-256 (FIPS 186-5): (r, s) and (r, ORDER - s) are both signatures of the same text.
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def canonical(part: bytes) -> bool:
    """Whether this is how base64url (RFC 4648 §5) spells those bytes."""
    # Base64 has spare bits at its end: without this, several spellings of one token would all be accepted.
    try:
        decoded = decode(part)
    except (binascii.Error, ValueError):
        return False
    return base64.urlsafe_b64encode(decoded).rstrip(b"=") == part


def decode(part: bytes) -> bytes:
    return base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4))


def strict_object(text: bytes) -> dict[str, Any]:
    """The JSON object that this is. Raises ValueError for anything else, and for a name that stands in it twice.

    Readers differ in which of two values they take (RFC 8725 §2.4), so neither is taken.
    """
    try:
        found = json.loads(text.decode(), object_pairs_hook=_once, parse_constant=_no_constant)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(found, dict):
        raise ValueError("not an object")
    return found


def is_low(token: bytes) -> bool:
    """Whether an ES256 token has the lower of the two signatures that hold; ours always do."""
    return int.from_bytes(decode(token.rpartition(b".")[2])[32:]) <= ORDER // 2


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
