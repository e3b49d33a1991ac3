"""Points in time: datetimes in UTC, dates, times of day."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

from mainstay.model.types.kind import Converter, Kind
from mainstay.model.types.refusal import Refused, wrong_type
from mainstay.storage.types import utc_text

# RFC 3339 §5.6; `fromisoformat` alone would take week dates, missing minutes and naive values.
_MOMENT = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(?:([Zz])|([+-](?:[01]\d|2[0-3]):[0-5]\d))", re.ASCII
)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_TIME = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,6})?", re.ASCII)
TIME_PATTERN = r"^([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?$"


def show_moment(value: datetime) -> str:
    """`YYYY-MM-DDTHH:MM:SS.ffffffZ`, always 27 characters, so that text sorts as time does."""
    return utc_text(value)


@dataclass(frozen=True, slots=True)
class Moment(Kind):
    """A point in time (RFC 3339), with an offset, kept in UTC to the microsecond; further digits are cut off."""

    name = "datetime"

    @property
    def python_type(self) -> Any:
        return datetime

    def accept(self, value: Any) -> datetime:
        moment = value if isinstance(value, datetime) else self._of_text(value)
        if moment.tzinfo is None:
            raise Refused("naive", "Send the time with its offset, as in 2026-01-31T12:00:00Z.")
        try:
            return moment.astimezone(UTC)
        except OverflowError:
            raise Refused("range", "Send a time within the years 1 to 9999 UTC.") from None

    def _of_text(self, value: Any) -> datetime:
        if not isinstance(value, str):
            raise wrong_type("a date and time as a string", value)
        found = _MOMENT.fullmatch(value)
        try:
            if found is not None:
                offset = "+00:00" if found[4] else found[5]
                return datetime.fromisoformat(f"{found[1]}T{found[2]}.{(found[3] or '0')[:6]:0<6}{offset}")
        except ValueError:
            pass
        raise Refused("datetime", "Send a date and time with its offset, as in 2026-01-31T12:00:00Z.")

    def to_json(self, value: Any) -> Any:
        return show_moment(value)

    def to_wire(self, dialect: str) -> Converter | None:
        return None if dialect == "sqlite" else show_moment

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "date-time"}


@dataclass(frozen=True, slots=True)
class Day(Kind):
    """A calendar date, YYYY-MM-DD."""

    name = "date"

    @property
    def python_type(self) -> Any:
        return date

    def accept(self, value: Any) -> date:
        if isinstance(value, date) and not isinstance(value, datetime):
            return value
        if not isinstance(value, str):
            raise wrong_type("a date as a string", value)
        try:
            if _DATE.fullmatch(value) is not None:
                return date.fromisoformat(value)
        except ValueError:
            pass
        raise Refused("date", "Send a date as in 2026-01-31.")

    def to_json(self, value: Any) -> Any:
        return value.isoformat()

    def to_wire(self, dialect: str) -> Converter | None:
        return None if dialect == "sqlite" else self.to_json

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "date"}


@dataclass(frozen=True, slots=True)
class TimeOfDay(Kind):
    """A time of day without offset, HH:MM:SS, to the microsecond."""

    name = "time"

    @property
    def python_type(self) -> Any:
        return time

    def accept(self, value: Any) -> time:
        if isinstance(value, time):
            if value.tzinfo is not None:
                raise Refused("offset", "Send a time of day without offset, as in 12:30:00.")
            return value
        if not isinstance(value, str):
            raise wrong_type("a time of day as a string", value)
        if _TIME.fullmatch(value) is None:
            raise Refused("time", "Send a time of day as in 12:30:00.")
        whole, _, fraction = value.partition(".")
        return time.fromisoformat(f"{whole}.{fraction:0<6}")

    def to_json(self, value: Any) -> Any:
        return value.isoformat(timespec="microseconds")

    def to_wire(self, dialect: str) -> Converter | None:
        return lambda raw: raw if isinstance(raw, str) else self.to_json(raw)

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": TIME_PATTERN}
