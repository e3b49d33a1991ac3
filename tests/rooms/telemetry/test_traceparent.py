"""What comes in as `traceparent` (W3C Trace Context, §3.2)."""

import pytest

from mainstay.telemetry.traces.traceparent import (
    Parent,
    is_trace_id,
    parent_of,
)  # house: door: a detail worth its own test

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


def sent(*values: str, state: str | None = None) -> Parent | None:
    headers = [(b"host", b"x"), *((b"traceparent", value.encode()) for value in values)]
    return parent_of([*headers, (b"tracestate", state.encode())] if state is not None else headers)


@pytest.mark.parametrize(("flags", "sampled"), [("01", True), ("00", False), ("03", True), ("02", False)])
def test_a_sound_one_is_read(flags: str, sampled: bool) -> None:
    assert sent(f"00-{TRACE}-{SPAN}-{flags}", state="a=1,b=2") == Parent(TRACE, SPAN, sampled, "a=1,b=2")


def test_a_later_version_may_say_more() -> None:
    assert sent(f"01-{TRACE}-{SPAN}-01-what-comes") == Parent(TRACE, SPAN, True)


@pytest.mark.parametrize(
    "value",
    ["", "hello", f"ff-{TRACE}-{SPAN}-01", f"00-{TRACE}-{SPAN}-01-more", f"00-{'0' * 32}-{SPAN}-01",
     f"00-{TRACE}-{'0' * 16}-01", f"00-{TRACE.upper()}-{SPAN}-01", f"00-{TRACE[:-1]}-{SPAN}-01",
     f"00-{TRACE}-{SPAN}-1", f" 00-{TRACE}-{SPAN}-01", f"00-{TRACE}-{SPAN}-01\n", f"01-{TRACE}-{SPAN}-01x"],
)  # fmt: skip
def test_an_unsound_one_is_as_none(value: str) -> None:
    assert sent(value) is None


def test_two_are_as_none() -> None:
    assert sent(f"00-{TRACE}-{SPAN}-01", f"00-{TRACE}-{SPAN}-01") is None


def test_a_state_that_is_too_long_is_dropped() -> None:
    assert sent(f"00-{TRACE}-{SPAN}-01", state="a=" + "x" * 600) == Parent(TRACE, SPAN, True)


@pytest.mark.parametrize("text", ["0" * 32, "x" * 32, "ab" * 15, "AB" * 16, "a" * 15 + "-" + "b" * 16])
def test_what_is_no_trace_id(text: str) -> None:
    assert not is_trace_id(text)
    assert is_trace_id("ab" * 16)
