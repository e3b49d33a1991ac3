"""The kinds of value a field can hold: what is accepted, what is stored, what is shown."""

from mainstay.model.types.document import Document, Items
from mainstay.model.types.kind import Converter, Kind
from mainstay.model.types.moment import Day, Moment, TimeOfDay
from mainstay.model.types.number import Boolean, DecimalNumber, Float, Integer
from mainstay.model.types.refusal import Refused
from mainstay.model.types.text import Enumeration, Text, Uuid

KINDS = (Text, Enumeration, Uuid, Integer, DecimalNumber, Float, Boolean, Moment, Day, TimeOfDay, Document, Items)

__all__ = ["KINDS", "Converter", "Enumeration", "Kind", "Refused"]
