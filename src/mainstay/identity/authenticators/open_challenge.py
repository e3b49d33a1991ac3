"""Challenges of sign-ins without a name. Whoever asks for one is nobody yet, so nothing is stored for them.

The ticket is random, and signed with the time of its end; the challenge is made of it, by a key of ours.
"""

import base64
import binascii
import hmac
import secrets
import struct

from mainstay.identity.room import Room

PREFIX = "mfp_"
RANDOM, SIGNATURE = 24, 16


def open_challenge(room: Room) -> tuple[str, bytes]:
    """A ticket, and the challenge that goes with it."""
    end = int(room.now().timestamp()) + room.options.factors.ticket_seconds
    begun = secrets.token_bytes(RANDOM) + struct.pack(">Q", end)
    ticket = base64.urlsafe_b64encode(begun + _keyed(room, b"ticket", begun)[:SIGNATURE]).decode()
    return PREFIX + ticket, _keyed(room, b"challenge", begun)


def challenge_of(room: Room, ticket: str) -> bytes | None:
    """The challenge that was given with this ticket; None for one that we did not give, or too long ago."""
    try:
        raw = base64.b64decode(ticket.removeprefix(PREFIX).encode("ascii"), b"-_", validate=True)
    except (UnicodeEncodeError, binascii.Error):
        return None
    begun, signature = raw[:-SIGNATURE], raw[-SIGNATURE:]
    if len(raw) != RANDOM + 8 + SIGNATURE or not hmac.compare_digest(
        _keyed(room, b"ticket", begun)[:SIGNATURE], signature
    ):
        return None
    (end,) = struct.unpack(">Q", begun[RANDOM:])
    return _keyed(room, b"challenge", begun) if room.now().timestamp() < end else None


def _keyed(room: Room, what: bytes, begun: bytes) -> bytes:
    return hmac.digest(room.codes, b"passkey/" + what + b"\0" + begun, "sha256")
