"""Letters that tests send."""

from datetime import UTC, datetime
from typing import Any

from mainstay.mail import Message


def a_letter(number: int = 1, **changes: Any) -> Message:
    """A letter to Ada, with what is not ASCII, and lines that begin with a dot."""
    values: dict[str, Any] = {
        "message_id": f"{number}@shop.example",
        "date": datetime(2026, 11, 21, 12, 30, tzinfo=UTC),
        "kind": "welcome",
        "sender": ("Shop", "noreply@shop.example"),
        "to": "ada@example.com",
        "subject": "Grüße an Ada",
        "text": "Grüße!\n.\n.hidden\nhttps://shop.example/verify?token=" + "a" * 1200 + "\n",
        "html": "<!doctype html>\n<p>Grüße! <a href='https://shop.example/'>Shop</a></p>\n",
        "reply_to": ("", "help@shop.example"),
    }
    return Message(**{**values, **changes})
