"""What a field does with a value after its kind has accepted it: tidying first, then its limits."""

import operator
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any

from mainstay.base.errors import ConfigurationError
from mainstay.model.declare import Limits
from mainstay.model.types import Kind, Refused
from mainstay.model.types.number import DecimalNumber

Step = Callable[[Any], Any]

# WHATWG HTML §4.10.5.1.5, with at least one dot in the domain.
_LABEL = "[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
FORMATS = {
    "email": (rf"[a-zA-Z0-9.!#$%&'*+/=?^_`{{|}}~-]{{1,64}}@{_LABEL}(\.{_LABEL})+", 254, "an e-mail address"),
    # RFC 3986 characters, http and https, no user or password inside.
    "url": (
        r"https?://[a-zA-Z0-9]([a-zA-Z0-9.-]{0,250}[a-zA-Z0-9])?(:[0-9]{1,5})?([/?#][a-zA-Z0-9._~:/?#@!$&'()*+,;=%\[\]-]*)?",
        2048,
        "a web address that begins with http:// or https://",
    ),
    # E.164, with the usual separators, which are dropped.
    "phone": (r"\+[1-9]([ ().-]{0,2}[0-9]){6,14}", 50, "a phone number in international form, like +49 30 1234567"),
}
BASIC_TAGS = {"a", "b", "br", "blockquote", "code", "em", "i", "li", "ol", "p", "pre", "strong", "u", "ul"}


def effective(limits: Limits, kind: Kind, *, keyed: bool, where: str) -> Limits:
    """The limits as values of the kind. Raises ConfigurationError for one that the kind does not know."""
    text_only = ("pattern", "html", "format")
    wrong = [name for name in text_only if getattr(limits, name) is not None and kind.name != "text"]
    wrong += [name for name in ("trim", "lower", "upper") if getattr(limits, name) and kind.name != "text"]
    wrong += [
        n for n in ("max_length", "min_length") if getattr(limits, n) is not None and kind.name not in ("text", "list")
    ]
    wrong += [n for n in ("digits", "places", "round_to") if getattr(limits, n) is not None and kind.name != "decimal"]
    if wrong:
        raise ConfigurationError(f"{where} is of kind {kind.name} and has no {wrong[0]}.", fix=f"Remove {wrong[0]}.")
    bounds = {}
    for name in ("ge", "gt", "le", "lt", "multiple_of"):
        value = getattr(limits, name)
        if value is not None:
            try:
                bounds[name] = kind.accept(value)
            except Refused as refused:
                raise ConfigurationError(
                    f"{where} has {name}={value!r}. {refused.message}", fix="Correct it."
                ) from refused
    if limits.format is not None:
        longest = FORMATS[limits.format][1]
        bounds["max_length"] = min(limits.max_length or longest, longest)
    elif keyed and kind.name == "text" and limits.max_length is None:
        # PostgreSQL refuses index entries above 2.7 kB.
        bounds["max_length"] = 500
    if isinstance(kind, DecimalNumber):
        bounds |= {"digits": kind.digits, "places": kind.places}
    return replace(limits, **bounds)


def steps(limits: Limits, kind: Kind) -> tuple[Step, ...]:
    """The functions a value passes through in turn; each gives the value back or raises Refused."""
    return tuple(_tidying(limits)) + tuple(_checks(limits, kind))


def fold_case(limits: Limits, text: str) -> str:
    """A filter's text as the field would have stored it."""
    return text.lower() if limits.lower else text.upper() if limits.upper else text


def _tidying(limits: Limits) -> list[Step]:
    found: list[Step] = []
    if limits.trim:
        found.append(str.strip)
    if limits.lower:
        found.append(str.lower)
    if limits.upper:
        found.append(str.upper)
    return found


def _checks(limits: Limits, kind: Kind) -> list[Step]:
    unit = "characters" if kind.name == "text" else "items"
    found: list[Step] = []
    longest, shortest = limits.max_length, limits.min_length
    if longest is not None:
        found.append(_refusing(partial(_longer, longest), "too_long", f"Use at most {longest} {unit}."))
    if limits.html is not None:
        # Few apps keep markup, and the library weighs 3 MB.
        import nh3  # noqa: PLC0415  as above

        tags: set[str] = BASIC_TAGS if limits.html == "basic" else set()
        found.append(partial(nh3.clean, tags=tags))
    if shortest is not None:
        found.append(_refusing(partial(_shorter, shortest), "too_short", f"Use at least {shortest} {unit}."))
    if limits.pattern is not None:
        found.append(
            _refusing(partial(_differs, re.compile(limits.pattern)), "pattern", f"Match the pattern {limits.pattern}")
        )
    if limits.format is not None:
        found.append(_format(limits.format))
    found.extend(_bounds(limits))
    return found


def _longer(most: int, value: Any) -> bool:
    return len(value) > most


def _shorter(least: int, value: Any) -> bool:
    return len(value) < least


def _differs(whole: re.Pattern[str], value: str) -> bool:
    return whole.fullmatch(value) is None


def _format(name: str) -> Step:
    pattern, _, what = FORMATS[name]
    whole = re.compile(pattern, re.ASCII)

    def step(value: str) -> str:
        if whole.fullmatch(value) is None:
            raise Refused(name, f"Send {what}.")
        if name == "phone":
            return "+" + re.sub(r"[^0-9]", "", value)
        if name == "email":
            local, _, domain = value.rpartition("@")
            return f"{local}@{domain.lower()}"
        return value

    return step


def _bounds(limits: Limits) -> list[Step]:
    found: list[Step] = []
    for name, outside, words in (
        ("ge", operator.gt, "at least"),
        ("gt", operator.ge, "more than"),
        ("le", operator.lt, "at most"),
        ("lt", operator.le, "less than"),
    ):
        bound = getattr(limits, name)
        if bound is not None:
            found.append(_refusing(partial(outside, bound), name, f"Send {words} {_shown(bound)}."))
    step = limits.multiple_of
    if step is not None:
        found.append(_refusing(partial(_between, step), "multiple_of", f"Send a multiple of {_shown(step)}."))
    return found


def _between(step: Any, value: Any) -> bool:
    return bool(value % step != 0)


def _shown(bound: Any) -> str:
    if isinstance(bound, Decimal):
        return f"{bound.normalize():f}"
    return bound.isoformat() if isinstance(bound, date) else str(bound)


def _refusing(wrong: Callable[[Any], bool], code: str, message: str) -> Step:
    def step(value: Any) -> Any:
        if wrong(value):
            raise Refused(code, message)
        return value

    return step
