"""How an API key is spelled: a prefix that secret scanners know, 256 random bits, and a checksum.

`msk_` + 43 letters and digits + 6 of checksum. The checksum (CRC-32 of what stands before it, as GitHub's tokens have)
lets scanners tell a real key from a lookalike, and lets us refuse a mistyped one without asking the database.
"""

import re
import zlib
from hashlib import sha256
from secrets import randbits
from string import ascii_letters, digits

PREFIX = "msk_"
PATTERN = r"msk_[0-9A-Za-z]{49}"
HINT = len(PREFIX) + 6
_ALPHABET = digits + ascii_letters
_BODY, _CHECK = 43, 6
_form = re.compile(PATTERN.encode())


def new_secret() -> str:
    """A key that nobody had before."""
    body = PREFIX + _spell(randbits(256), _BODY)
    return body + _checksum(body)


def well_formed(token: bytes) -> bool:
    """Whether this could be one of ours: shape and checksum."""
    if _form.fullmatch(token) is None:
        return False
    text = token.decode("ascii")
    return _checksum(text[:-_CHECK]) == text[-_CHECK:]


def digest(secret: str | bytes) -> str:
    """What is stored of a key. No slow hash: 256 random bits cannot be guessed, however fast one tries."""
    return sha256(secret.encode() if isinstance(secret, str) else secret).hexdigest()


def hint(secret: str) -> str:
    """The letters by which people recognise a key; they leave 220 bits unknown."""
    return secret[:HINT]


def _checksum(body: str) -> str:
    return _spell(zlib.crc32(body.encode()), _CHECK)


def _spell(number: int, length: int) -> str:
    letters = []
    for _ in range(length):
        number, place = divmod(number, len(_ALPHABET))
        letters.append(_ALPHABET[place])
    return "".join(reversed(letters))
