"""The headers by which a trace goes from one program to the next (W3C Trace Context, level 2)."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

_TRACEPARENT = re.compile(rb"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_NO_TRACE, _NO_SPAN = b"0" * 32, b"0" * 16
_HEX, _ZERO = "0123456789abcdef", "0" * 32
MOST_STATE = 512


@dataclass(frozen=True, slots=True)
class Parent:
    """The span that a request belongs to: hex digits, and whether the caller keeps its trace."""

    trace_id: str
    span_id: str
    sampled: bool
    state: str = ""


def parent_of(headers: Iterable[tuple[bytes, bytes]]) -> Parent | None:
    """What the headers say, or None: nothing, something malformed, or twice (§3.2.2, §4.3)."""
    found: bytes | None = None
    for name, value in headers:
        if name == b"traceparent":
            if found is not None:
                return None
            found = value
    if found is None:
        return None
    match = _TRACEPARENT.fullmatch(found)
    if match is None:
        return None
    version, trace, span, flags, more = match.groups()
    # Version ff is forbidden; version 00 ends here; later ones may go on.
    if version == b"ff" or (version == b"00" and more) or trace == _NO_TRACE or span == _NO_SPAN:
        return None
    state = b",".join(value for name, value in headers if name == b"tracestate")
    kept = state.decode("latin-1") if len(state) <= MOST_STATE else ""
    return Parent(trace.decode(), span.decode(), bool(int(flags, 16) & 1), kept)


def is_trace_id(text: str) -> bool:
    """Whether it could be a trace's id: 32 hex digits, not all zero."""
    # Nothing is left when hex digits are taken off both ends; a regular expression takes seven times as long.
    return len(text) == 32 and not text.strip(_HEX) and text != _ZERO
