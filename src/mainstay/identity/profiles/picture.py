"""A picture that a stranger uploads: told by its bytes, not its name, and written anew without what hides in it.

Nothing is decoded. The containers are walked (PNG, RFC 2083 §3; JPEG, ITU-T T.81 annex B; WebP, RFC 9649), and only the
parts that draw are kept: no metadata with places and times, no comments, nothing before or after the picture that could
make it something else as well.
"""

import struct
import zlib
from dataclasses import dataclass

from mainstay.base.errors import FieldError, Invalid

LARGEST = 262_144
WIDEST = 2_048
PNG, JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8"
_PNG_KEPT = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"sRGB", b"gAMA"}
_WEBP_KEPT = {b"VP8 ", b"VP8L", b"VP8X", b"ALPH"}
_JPEG_FRAMES = {0xC0, 0xC1, 0xC2}
# Quantisation, Huffman and restart tables, and the two application segments that say what the colours mean.
_JPEG_KEPT = {0xC4, 0xDB, 0xDD, 0xE0, 0xEE}


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that is nothing else: its media type, and its bytes as they were written anew."""

    media_type: str
    content: bytes


def read_picture(content: bytes) -> Picture:
    """The picture in these bytes. Raises Invalid for anything but a PNG, JPEG or WebP of at most 2048 × 2048."""
    try:
        if content.startswith(PNG):
            return Picture("image/png", _png(content))
        if content.startswith(JPEG):
            return Picture("image/jpeg", _jpeg(content))
        if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
            return Picture("image/webp", _webp(content))
    except (struct.error, IndexError):
        raise _refused("This picture is damaged.") from None
    raise _refused("Send a PNG, a JPEG or a WebP.")


def _png(content: bytes) -> bytes:
    kept, place, names = [PNG], len(PNG), []
    while True:
        (length,), name = struct.unpack_from(">I", content, place), content[place + 4 : place + 8]
        chunk = content[place : place + 12 + length]
        if len(chunk) != 12 + length or zlib.crc32(chunk[4:-4]) != struct.unpack(">I", chunk[-4:])[0]:
            raise _refused("This picture is damaged.")
        if name in _PNG_KEPT:
            kept.append(chunk)
            names.append(name)
        place += 12 + length
        if name == b"IEND":
            break
    if names[0] != b"IHDR" or b"IDAT" not in names:
        raise _refused("This picture is damaged.")
    _require_size(*struct.unpack_from(">II", kept[1], 8))
    return b"".join(kept)


def _jpeg(content: bytes) -> bytes:
    kept, place, framed = [JPEG], 2, False
    while True:
        if content[place] != 0xFF:
            raise _refused("This picture is damaged.")
        marker = content[place + 1]
        if marker == 0xFF:
            place += 1
            continue
        if marker == 0xD9:
            break
        (length,) = struct.unpack_from(">H", content, place + 2)
        segment = content[place : place + 2 + length]
        if length < 2 or len(segment) != 2 + length:
            raise _refused("This picture is damaged.")
        place += 2 + length
        if marker in _JPEG_FRAMES:
            height, width = struct.unpack_from(">HH", segment, 5)
            _require_size(width, height)
            framed = True
        elif marker == 0xDA:
            end = _end_of_scan(content, place)
            kept.append(segment + content[place:end])
            place = end
            continue
        elif marker not in _JPEG_KEPT:
            continue
        kept.append(segment)
    if not framed:
        raise _refused("This picture is damaged.")
    return b"".join([*kept, b"\xff\xd9"])


def _end_of_scan(content: bytes, place: int) -> int:
    """Where the next marker stands that is no restart and no stuffed byte."""
    while True:
        place = content.find(b"\xff", place)
        if place < 0:
            raise _refused("This picture is damaged.")
        if content[place + 1] == 0 or 0xD0 <= content[place + 1] <= 0xD7:
            place += 2
            continue
        return place


def _webp(content: bytes) -> bytes:
    (size,) = struct.unpack_from("<I", content, 4)
    end, place, kept, sized = 8 + size, 12, [], False
    if end > len(content):
        raise _refused("This picture is damaged.")
    while place < end:
        name, (length,) = content[place : place + 4], struct.unpack_from("<I", content, place + 4)
        chunk = content[place : place + 8 + length + (length & 1)]
        if len(chunk) != 8 + length + (length & 1):
            raise _refused("This picture is damaged.")
        place += len(chunk)
        if name not in _WEBP_KEPT:
            continue
        if name == b"VP8X":
            width, height = (1 + int.from_bytes(chunk[at : at + 3], "little") for at in (12, 15))
            # Of its flags only the one for transparency: the others announce chunks that are left out.
            chunk = chunk[:8] + bytes([chunk[8] & 0x10]) + chunk[9:]
        elif name == b"VP8L":
            bits = int.from_bytes(chunk[9:13], "little")
            width, height = 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
        elif name == b"VP8 ":
            width, height = (int.from_bytes(chunk[at : at + 2], "little") & 0x3FFF for at in (14, 16))
        if name != b"ALPH":
            _require_size(width, height)
            sized = sized or name != b"VP8X"
        kept.append(chunk)
    if not sized:
        raise _refused("Send a picture that does not move.")
    body = b"WEBP" + b"".join(kept)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _require_size(width: int, height: int) -> None:
    if not (0 < width <= WIDEST and 0 < height <= WIDEST):
        raise _refused(f"A picture has at most {WIDEST} × {WIDEST} pixels.")


def _refused(message: str) -> Invalid:
    return Invalid(message, errors=[FieldError(("body",), "picture", message)])
