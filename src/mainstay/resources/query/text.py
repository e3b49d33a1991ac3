"""The query string itself: percent-encoding, UTF-8 and repetition, before any meaning."""

import re
from urllib.parse import unquote_to_bytes

from mainstay.base.errors import BadRequest, FieldError

_BROKEN = re.compile(rb"%(?![0-9A-Fa-f]{2})")


def pairs(raw: bytes, longest: int) -> list[tuple[str, str]]:
    """The parameters in their order, decoded (WHATWG URL §5.1, but strict).

    Raises BadRequest for more than `longest` bytes, broken percent-encoding, bytes that are not UTF-8, and NUL.
    """
    if len(raw) > longest:
        raise BadRequest(f"The query string is longer than {longest} bytes.", code="query_too_long")
    found = []
    for piece in raw.split(b"&"):
        if piece:
            name, _, value = piece.partition(b"=")
            found.append((_decoded(name), _decoded(value)))
    return found


def _decoded(raw: bytes) -> str:
    if b"+" in raw:
        raw = raw.replace(b"+", b" ")
    if b"%" in raw:
        if _BROKEN.search(raw):
            raise refused("A percent sign starts two hexadecimal digits: write it as %25.", "percent_encoding")
        raw = unquote_to_bytes(raw)
    if b"\0" in raw:
        raise refused("Remove the NUL character: no parameter holds one.", "nul")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise refused("The query string is not UTF-8.", "not_utf8") from None


def refused(sentence: str, code: str) -> BadRequest:
    """A refusal of the query string as a whole."""
    return BadRequest(sentence, errors=[FieldError(("query",), code, sentence)])


def csv_record(text: str) -> list[str] | None:
    """The values of one CSV record (RFC 4180 §2): `a,"b,c"` is two. None where the quotes don't fit."""
    if '"' not in text:
        return text.split(",")
    values: list[str] = []
    at, length = 0, len(text)
    while True:
        if at < length and text[at] == '"':
            value = ""
            while True:
                end = text.find('"', at + 1)
                if end < 0:
                    return None
                value += text[at + 1 : end]
                at = end + 1
                if at >= length or text[at] != '"':
                    break
                value += '"'
            if at < length and text[at] != ",":
                return None
            values.append(value)
        else:
            end = text.find(",", at)
            end = length if end < 0 else end
            if '"' in text[at:end]:
                return None
            values.append(text[at:end])
            at = end
        if at >= length:
            return values
        at += 1
