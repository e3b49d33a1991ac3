"""Secrets are taken out of everything that is logged: by the name they stand under, and by what they look like."""

import re
from collections.abc import Mapping
from typing import Any

HIDDEN = "***"
# Matched within names, in any spelling: `Set-Cookie`, `api_key`, `userPassword`, `X-CSRF-Token`.
_NAMES = (
    r"authori[sz]ation|cookie|passw(?:or)?d|passphrase|secret|token|api[-_]?key|access[-_]?key|private[-_]?key|"
    r"signing[-_]?key|credential|csrf|otp|session[-_]?id"
)
_NAME = re.compile(_NAMES, re.I)
# Names that hold one of those words and no secret.
_HARMLESS = re.compile(r"token_?(?:type|seconds|count|url|endpoint|expires\w*)|password_?grant", re.I)
# Each looks at a bounded or unshared stretch from each place where it may begin: what is logged may be a caller's, and
# be made to take long. Quantifiers with a `+` behind them never give back.
_SHAPES = (
    # RFC 6750 and RFC 7617: what follows the scheme.
    (re.compile(r"\b(Bearer|Basic|Digest)\s{1,8}[A-Za-z0-9._~+/=-]{6,}+", re.I), rf"\1 {HIDDEN}"),
    # A JWS in compact form, wherever it stands.
    (re.compile(r"(?<![\w-])eyJ[\w-]{5,}+\.[\w-]{2,}+(?:\.[\w-]*+)?"), HIDDEN),
    # A password in a URL.
    (re.compile(r"(://[^\s:/@]{0,256}+):[^\s/@]{1,1024}+@"), rf"\1:{HIDDEN}@"),
    # A whole header line of cookies.
    (re.compile(r"((?:set-)?cookie['\"]?\s{0,8}[:=]\s{0,8})[^\r\n]++", re.I), rf"\1{HIDDEN}"),
    # name=value, name: value, 'name': 'value', and in query strings.
    (
        re.compile(
            rf"((?:{_NAMES})[\w-]{{0,64}}+['\"]?\s{{0,8}}+[=:]\s{{0,8}}+)"
            r"(?:b?\"(?:\\.|[^\"\\])*+\"?|b?'(?:\\.|[^'\\])*+'?|[^\s&;,'\"(){}\[\]]++)",
            re.I,
        ),
        rf"\1{HIDDEN}",
    ),
)
_DEPTH = 6


def is_secret_name(name: str) -> bool:
    """Whether what stands under this name is hidden."""
    return bool(_NAME.search(name)) and not _HARMLESS.fullmatch(name)


def redacted(text: str) -> str:
    """The text without what looks like a secret."""
    for shape, instead in _SHAPES:
        text = shape.sub(instead, text)
    return text


def redacted_value(name: str, value: Any, depth: int = 0) -> Any:
    """A value that JSON can hold, without secrets, however deep they lie."""
    if isinstance(value, bool | int | float) or value is None:
        # A number under a secret's name is one too: a one-time password, say.
        return HIDDEN if type(value) is int and is_secret_name(name) else value
    if is_secret_name(name):
        return HIDDEN
    if isinstance(value, str):
        return redacted(value)
    if depth >= _DEPTH:
        return "…"
    if isinstance(value, Mapping):
        return {str(key): redacted_value(str(key), each, depth + 1) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [redacted_value(name, each, depth + 1) for each in value]
    return redacted(_said(value))


def _said(value: Any) -> str:
    try:
        return str(value)
    except Exception:  # whatever a value's own __str__ does, the line is written
        return f"<{type(value).__name__}>"
