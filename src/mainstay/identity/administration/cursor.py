"""Where a page of accounts ended, as text."""

import base64
import binascii
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson

from mainstay.base.errors import CursorRefused, FieldError

LONGEST = 1000


def seal(sort: str, value: Any, identifier: UUID) -> str:
    """The cursor after this account. It is no secret and proves nothing: what may be seen is decided without it."""
    shown = value.isoformat() if isinstance(value, datetime) else value
    return base64.urlsafe_b64encode(orjson.dumps([sort, shown, str(identifier)])).rstrip(b"=").decode()


def read(cursor: str, sort: str) -> tuple[Any, UUID]:
    """The sort value and the id of the account before. Raises CursorRefused for one of another order, or none."""
    try:
        if len(cursor) > LONGEST or not cursor.isascii():
            raise ValueError
        found = orjson.loads(base64.urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4)))
        kept, value, identifier = found
        if kept != sort or not isinstance(value, str) or "\x00" in value:
            raise ValueError
        moment = datetime.fromisoformat(value) if sort.endswith("created_at") else None
        if moment is not None and moment.tzinfo is None:
            raise ValueError
        return (value if moment is None else moment.astimezone(UTC)), UUID(identifier)
    except (ValueError, TypeError, OverflowError, binascii.Error):
        sentence = "This cursor does not belong to this query. Start again without it."
        raise CursorRefused(sentence, errors=[FieldError(("query", "after"), "cursor_refused", sentence)]) from None
