"""Column types that mean the same on SQLite and PostgreSQL: the same values, the same order, the same refusals.

Each type speaks twice: as a SQLAlchemy type (for DDL and ORM sessions) and as a pair of converters
`to_raw(dialect_name)` / `from_raw(dialect_name)` between the Python value and the driver's, for planned statements.
A converter is None where the driver's value already is the value. Both accept None.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import Enum
from typing import Any, cast
from uuid import UUID

import orjson
from sqlalchemy import CheckConstraint, Dialect, Table, event
from sqlalchemy import types as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.sql.elements import conv

Converter = Callable[[Any], Any]
POSTGRES = "postgresql"
LARGEST = 2**63 - 1


class StoredType(sa.TypeDecorator[Any]):
    """A type with a known stored form on each database. Subclasses give `_write`, `_read` and the column's DDL."""

    impl: Any = sa.Text
    cache_ok = True

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls.cache_ok = True  # SQLAlchemy looks for it on the class itself

    def to_raw(self, dialect_name: str) -> Converter | None:
        """Python value → what the driver binds; raises ValueError for a value that this type cannot hold."""
        return None

    def from_raw(self, dialect_name: str) -> Converter | None:
        """What the driver returns → Python value."""
        return None

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        convert = self.to_raw(dialect.name)
        return value if value is None or convert is None else convert(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        convert = self.from_raw(dialect.name)
        return value if value is None or convert is None else convert(value)


def _uuid_text(value: Any) -> str | None:
    if value is None:
        return None
    return str(value) if isinstance(value, UUID) else str(UUID(value))


def _uuid(value: Any) -> UUID | None:
    return value if value is None or isinstance(value, UUID) else UUID(str(value))


class UuidText(StoredType):
    """A UUID: `uuid` on PostgreSQL, 36 lower-case characters on SQLite."""

    impl = sa.String(36)

    def load_dialect_impl(self, dialect: Dialect) -> sa.TypeEngine[Any]:
        return postgresql.UUID(as_uuid=True) if dialect.name == POSTGRES else sa.String(36)

    def to_raw(self, dialect_name: str) -> Converter:
        return _uuid_text

    def from_raw(self, dialect_name: str) -> Converter:
        return _uuid

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        return _uuid(value) if dialect.name == POSTGRES else _uuid_text(value)


def utc_now() -> datetime:
    """The current moment, aware, in UTC."""
    return datetime.now(UTC)


# The moment that was spelt last: one change writes the same into several columns, and spells it for its readers too.
_spelt: tuple[datetime | None, str] = (None, "")


def utc_text(value: datetime) -> str:
    """The stored and the wire form of a moment: `YYYY-MM-DDTHH:MM:SS.ffffffZ`. Refuses a naive one."""
    global _spelt
    known, text = _spelt
    if value is known:
        return text
    if value.tzinfo is None:
        raise ValueError("A date and time needs its offset from UTC.")
    utc = value if value.tzinfo is UTC else value.astimezone(UTC)
    text = utc.isoformat(timespec="microseconds")[:26] + "Z"
    _spelt = value, text
    return text


def _moment(value: Any) -> datetime | None:
    if value is None:
        return None
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    if value.tzinfo is None:
        raise ValueError("A date and time needs its offset from UTC.")
    return cast(datetime, value if value.tzinfo is UTC else value.astimezone(UTC))


def _moment_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return utc_text(value)


class UtcDateTime(StoredType):
    """A moment in UTC with microseconds. Naive values are refused."""

    impl = sa.String(27)

    def load_dialect_impl(self, dialect: Dialect) -> sa.TypeEngine[Any]:
        return postgresql.TIMESTAMP(timezone=True) if dialect.name == POSTGRES else sa.String(27)

    def to_raw(self, dialect_name: str) -> Converter:
        return _moment if dialect_name == POSTGRES else _moment_text

    def from_raw(self, dialect_name: str) -> Converter:
        return _moment


class ScaledDecimal(StoredType):
    """A decimal of fixed scale: `numeric` on PostgreSQL, an integer counting the last place on SQLite.

    A value with more digits than the column holds raises ValueError; it is never rounded silently.
    """

    impl = sa.BigInteger

    def __init__(self, digits: int = 18, places: int = 4) -> None:
        if not 0 <= places <= digits <= 18:
            raise ValueError("A decimal has at most 18 digits, and no more places than digits.")
        super().__init__()
        self.digits, self.places = digits, places
        self._unit = Decimal(1).scaleb(-places)
        self._scale = 10**places
        self._limit = 10**digits

    def load_dialect_impl(self, dialect: Dialect) -> sa.TypeEngine[Any]:
        numeric = sa.Numeric(self.digits, self.places)
        return numeric if dialect.name == POSTGRES else sa.BigInteger()

    def scaled(self, value: Any) -> int:
        """The value counted in units of the last place. Raises ValueError if it does not fit exactly."""
        number = value if isinstance(value, Decimal) else Decimal(str(value))
        if not number.is_finite():
            raise ValueError("A decimal must be finite.")
        # Through the tuple, not arithmetic: the ambient decimal context must not round.
        sign, digits, exponent = number.as_tuple()
        shift = cast(int, exponent) + self.places
        if shift > self.digits and any(digits):
            raise ValueError(f"At most {self.digits} digits.")
        whole: int = int("".join(map(str, digits)) or "0") if any(digits) else 0
        if shift >= 0:
            units = whole * 10 ** min(shift, 40)
        else:
            units, rest = divmod(whole, 10 ** min(-shift, 10_000))
            if rest:
                raise ValueError(f"At most {self.places} decimal places.")
        if units >= self._limit:
            raise ValueError(f"At most {self.digits} digits.")
        signed: int = -units if sign else units
        return signed

    def unscaled(self, units: int) -> Decimal:
        """The decimal with exactly `places` places."""
        return Decimal(units).scaleb(-self.places)

    def to_raw(self, dialect_name: str) -> Converter:
        if dialect_name == POSTGRES:
            return lambda value: None if value is None else self.unscaled(self.scaled(value))
        return lambda value: None if value is None else self.scaled(value)

    def from_raw(self, dialect_name: str) -> Converter | None:
        if dialect_name == POSTGRES:
            return None
        places = -self.places
        return lambda units: None if units is None else Decimal(units).scaleb(places)


class EnumText(StoredType):
    """A member of a string enum, stored as its value, which a CHECK of the table holds to the enum's."""

    impl = sa.Text

    def __init__(self, enum: type[Enum]) -> None:
        super().__init__()
        self.enum = enum
        self.values = tuple(str(member.value) for member in enum)
        self._members = {str(member.value): member for member in enum}
        self._texts: dict[Any, str] = {member: text for text, member in self._members.items()}

    @classmethod
    def of(cls, *values: str) -> "EnumText":
        """The same column from its values alone, for revisions, which must not import the app's enum."""
        named = {f"value_{index}": value for index, value in enumerate(values)}
        return cls(cast(type[Enum], Enum("Values", named)))

    @property
    def python_type(self) -> type[Any]:
        return self.enum

    def load_dialect_impl(self, dialect: Dialect) -> sa.TypeEngine[Any]:
        return sa.Text(collation="C") if dialect.name == POSTGRES else sa.Text()

    def _text(self, value: Any) -> str | None:
        if value is None:
            return None
        known = self._texts.get(value)
        if known is not None:
            return known
        text = str(value.value) if isinstance(value, Enum) else str(value)
        if text not in self._members:
            raise ValueError(f"Not one of {', '.join(self.values)}.")
        return text

    def to_raw(self, dialect_name: str) -> Converter:
        return self._text

    def from_raw(self, dialect_name: str) -> Converter:
        members = self._members
        return lambda text: None if text is None else members[text]


def check_name(table: str, column: str) -> str:
    """The name of the CHECK that holds an enum column to its values."""
    return f"ck_{table}_{column}_values"


@event.listens_for(Table, "after_parent_attach")
def _check_enums(table: Table, parent: Any) -> None:
    """Give each enum column its CHECK; `_type_bound` keeps Table.to_metadata() from copying it a second time."""
    for column in table.columns:
        if isinstance(column.type, EnumText):
            name = conv(check_name(table.name, column.name))
            if all(constraint.name != name for constraint in table.constraints):
                check = CheckConstraint(column.in_(column.type.values), name=name, _type_bound=True)
                table.append_constraint(check)


def json_text(value: Any) -> str | None:
    """Compact JSON; None stays None (SQL NULL)."""
    return None if value is None else orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode()


def _from_json(value: Any) -> Any:
    return orjson.loads(value) if isinstance(value, str | bytes) else value


class JsonText(StoredType):
    """Any JSON value: `jsonb` on PostgreSQL, text on SQLite. None is SQL NULL."""

    impl = sa.Text

    def load_dialect_impl(self, dialect: Dialect) -> sa.TypeEngine[Any]:
        return postgresql.JSONB(none_as_null=True) if dialect.name == POSTGRES else sa.Text()

    def to_raw(self, dialect_name: str) -> Converter:
        return json_text

    def from_raw(self, dialect_name: str) -> Converter:
        return _from_json

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        return value if dialect.name == POSTGRES else json_text(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        return value if dialect.name == POSTGRES else _from_json(value)


class ListText(JsonText):
    """A list of JSON values."""


class IsoDate(StoredType):
    """A calendar date."""

    impl = sa.String(10)

    def load_dialect_impl(self, dialect: Dialect) -> sa.TypeEngine[Any]:
        return sa.Date() if dialect.name == POSTGRES else sa.String(10)

    def to_raw(self, dialect_name: str) -> Converter | None:
        if dialect_name == POSTGRES:
            return lambda value: date.fromisoformat(value) if isinstance(value, str) else value
        return lambda value: value.isoformat() if isinstance(value, date) else value

    def from_raw(self, dialect_name: str) -> Converter | None:
        if dialect_name == POSTGRES:
            return None
        return lambda text: None if text is None else date.fromisoformat(text)


def _time_text(value: Any) -> Any:
    return value.isoformat(timespec="microseconds") if isinstance(value, time) else value


class IsoTime(StoredType):
    """A time of day without an offset, with microseconds."""

    impl = sa.String(15)

    def load_dialect_impl(self, dialect: Dialect) -> sa.TypeEngine[Any]:
        return sa.Time() if dialect.name == POSTGRES else sa.String(15)

    def to_raw(self, dialect_name: str) -> Converter | None:
        if dialect_name == POSTGRES:
            return lambda value: time.fromisoformat(value) if isinstance(value, str) else value
        return _time_text

    def from_raw(self, dialect_name: str) -> Converter | None:
        if dialect_name == POSTGRES:
            return None
        return lambda text: None if text is None else time.fromisoformat(text)


class Text8(StoredType):
    """Text in UTF-8, ordered by its bytes on both databases."""

    impl = sa.Text

    def load_dialect_impl(self, dialect: Dialect) -> sa.TypeEngine[Any]:
        return sa.Text(collation="C") if dialect.name == POSTGRES else sa.Text()


class Integer64(StoredType):
    """A 64-bit integer."""

    impl = sa.BigInteger


class Boolean(StoredType):
    """True or false: `boolean` on PostgreSQL, 1 or 0 on SQLite."""

    impl = sa.Boolean

    def to_raw(self, dialect_name: str) -> Converter | None:
        return None if dialect_name == POSTGRES else lambda value: None if value is None else int(value)

    def from_raw(self, dialect_name: str) -> Converter | None:
        return None if dialect_name == POSTGRES else lambda value: None if value is None else bool(value)

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        return value

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        return value


class Double(StoredType):
    """A double-precision number."""

    impl = sa.Double
