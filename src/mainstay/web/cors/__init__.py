"""Requests from pages of other origins: which of them may be sent, and whose answers may be read (Fetch §3.2).

Alone, around any ASGI app:

    from mainstay.web.cors import Cors, CorsRule, CorsRules

    app = Cors(app, CorsRules(CorsRule(("https://shop.example",), credentials=True)))
"""

from mainstay.web.cors.layer import VARY, Cors
from mainstay.web.cors.rules import (
    EXPOSED,
    HEADER_NAME,
    HEADERS,
    METHODS,
    ONE_ORIGIN,
    ORIGIN,
    CorsRule,
    CorsRules,
    Method,
)

__all__ = [
    "EXPOSED",
    "HEADERS",
    "HEADER_NAME",
    "METHODS",
    "ONE_ORIGIN",
    "ORIGIN",
    "VARY",
    "Cors",
    "CorsRule",
    "CorsRules",
    "Method",
]
