"""Numbers: 64-bit integers, exact decimals, doubles, booleans."""

import math
import re
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any

from mainstay.model.types.kind import EQUALITY, NULL, Converter, Kind
from mainstay.model.types.refusal import Refused, wrong_type

_INTEGER = re.compile(r"-?(0|[1-9][0-9]*)", re.ASCII)
_DECIMAL = re.compile(r"-?(0|[1-9][0-9]*)(\.([0-9]+))?", re.ASCII)
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?", re.ASCII)
# Wide enough that no rounding happens before we decide on one.
_WIDE = Context(prec=400)


@dataclass(frozen=True, slots=True)
class Integer(Kind):
    """A whole number that fits into `bits` bits."""

    bits: int = 64

    name = "integer"

    @property
    def lowest(self) -> int:
        return -(1 << self.bits - 1)

    @property
    def highest(self) -> int:
        return (1 << self.bits - 1) - 1

    @property
    def python_type(self) -> Any:
        return int

    def accept(self, value: Any) -> int:
        if type(value) is not int:
            # 1.0 is an integer in JSON Schema; True is not.
            if isinstance(value, float | Decimal) and math.isfinite(value) and value == int(value):
                value = int(value)
            elif isinstance(value, bool) or not isinstance(value, int):
                raise wrong_type("a whole number", value)
        if not self.lowest <= value <= self.highest:
            raise Refused("range", f"Send a whole number from {self.lowest} to {self.highest}.")
        return int(value)

    def parse(self, text: str) -> int:
        # More than 20 digits cannot be in range; int() would refuse thousands of them with a sentence of its own.
        if len(text) > 20 or _INTEGER.fullmatch(text) is None:
            raise Refused("integer", f"Send a whole number from {self.lowest} to {self.highest}.")
        return self.accept(int(text))

    def schema(self) -> dict[str, Any]:
        return {"type": "integer", "minimum": self.lowest, "maximum": self.highest}


@dataclass(frozen=True, slots=True)
class DecimalNumber(Kind):
    """An exact decimal number of `digits` digits, `places` of them after the point; a string in answers.

    With `round_to` more places are rounded half-even to that many; otherwise they are refused.
    """

    digits: int = 18
    places: int = 4
    round_to: int | None = None

    name = "decimal"

    @property
    def python_type(self) -> Any:
        return Decimal

    def accept(self, value: Any) -> Decimal:
        number = self._exact(value)
        if self.round_to is not None:
            number = number.quantize(Decimal(1).scaleb(-self.round_to), ROUND_HALF_EVEN, _WIDE)
        kept = number.quantize(Decimal(1).scaleb(-self.places), ROUND_HALF_EVEN, _WIDE)
        if kept != number:
            raise Refused("places", f"Send at most {self.places} digits after the point.")
        return kept if kept else abs(kept)

    def _exact(self, value: Any) -> Decimal:
        if isinstance(value, str):
            number = self._of_text(value)
        elif isinstance(value, bool) or not isinstance(value, int | float | Decimal):
            raise wrong_type("a decimal number as a string or a number", value)
        else:
            # A JSON number is what its shortest spelling says: 0.1 is 0.1, not the double next to it.
            number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
        if not number.is_finite() or number.adjusted() >= self.digits - self.places:
            raise self._too_long()
        if number.adjusted() < -100 or len(number.as_tuple().digits) > 200:
            raise Refused("places", f"Send at most {self.places} digits after the point.")
        return number

    def _of_text(self, text: str) -> Decimal:
        found = _DECIMAL.fullmatch(text) if len(text) <= 400 else None
        if found is None:
            raise Refused("decimal", "Send a decimal number like 12.50, without exponent or leading zeros.")
        if self.round_to is None and len(found[3] or "") > self.places:
            raise Refused("places", f"Send at most {self.places} digits after the point.")
        return Decimal(text)

    def _too_long(self) -> Refused:
        return Refused("digits", f"Send at most {self.digits - self.places} digits before the point.")

    def parse(self, text: str) -> Decimal:
        return self.accept(text)

    def to_json(self, value: Any) -> Any:
        return format(value.quantize(Decimal(1).scaleb(-self.places), ROUND_HALF_EVEN, _WIDE), "f")

    def to_wire(self, dialect: str) -> Converter | None:
        if dialect != "sqlite":
            return self.to_json
        places, unit = self.places, 10**self.places
        if places == 0:
            return str

        def scaled(raw: int) -> str:
            whole, part = divmod(raw if raw >= 0 else -raw, unit)
            return f"{'-' if raw < 0 else ''}{whole}.{part:0{places}d}"

        return scaled

    def schema(self) -> dict[str, Any]:
        whole = self.digits - self.places
        fraction = rf"(\.[0-9]{{1,{self.places}}})?" if self.places else ""
        text = {"type": "string", "pattern": rf"^-?(0|[1-9][0-9]{{0,{whole - 1}}}){fraction}$"}
        return {"anyOf": [text, {"type": "number"}]}

    def shown_schema(self) -> dict[str, Any]:
        fraction = rf"\.[0-9]{{{self.places}}}" if self.places else ""
        return {"type": "string", "pattern": rf"^-?(0|[1-9][0-9]*){fraction}$"}


@dataclass(frozen=True, slots=True)
class Float(Kind):
    """A finite IEEE 754 double; -0.0 is 0.0."""

    name = "float"

    @property
    def python_type(self) -> Any:
        return float

    def accept(self, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
            raise wrong_type("a number", value)
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            raise Refused("range", "Send a finite number below 1.8e308.")
        return number + 0.0

    def parse(self, text: str) -> float:
        if len(text) > 400 or _NUMBER.fullmatch(text) is None:
            raise Refused("number", "Send a number like 2.5 or 1e-3.")
        return self.accept(float(text))

    def schema(self) -> dict[str, Any]:
        return {"type": "number"}


@dataclass(frozen=True, slots=True)
class Boolean(Kind):
    """true or false, and nothing that is merely truthy."""

    name = "boolean"
    operators = (*EQUALITY, *NULL)

    @property
    def python_type(self) -> Any:
        return bool

    def accept(self, value: Any) -> bool:
        if not isinstance(value, bool):
            raise wrong_type("true or false", value)
        return value

    def parse(self, text: str) -> bool:
        if text not in ("true", "false"):
            raise Refused("boolean", "Send true or false.")
        return text == "true"

    def to_wire(self, dialect: str) -> Converter | None:
        return bool if dialect == "sqlite" else None

    def schema(self) -> dict[str, Any]:
        return {"type": "boolean"}
