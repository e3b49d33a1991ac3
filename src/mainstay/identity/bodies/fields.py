"""The types of what is sent to this room's routes, and what all bodies have in common."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from mainstay.identity import email_address
from mainstay.identity.credentials import password

NO_NUL = r"^[^\u0000]*$"

_common = {"not": {"enum": list(password.COMMON)}}
Address = Annotated[
    str, Field(max_length=email_address.MAXIMUM, pattern=email_address.PATTERN, examples=["ada@example.org"])
]
NewPassword = Annotated[
    str,
    Field(min_length=password.MINIMUM, max_length=password.MAXIMUM, pattern=NO_NUL, examples=["correct horse battery"]),
    Field(json_schema_extra=_common),
]
# Sign-in accepts any text: whether an address could exist is nobody's business.
AnyAddress = Annotated[
    str, Field(min_length=1, max_length=email_address.MAXIMUM, pattern=NO_NUL, examples=["ada@example.org"])
]
AnyPassword = Annotated[
    str, Field(min_length=1, max_length=password.MAXIMUM, pattern=NO_NUL, examples=["correct horse battery"])
]
# RFC 6749 §3.3: names of printable ASCII without blanks, quotes and backslashes, one blank between them.
SCOPE_PATTERN = r"^[!#-\[\]-~]+( [!#-\[\]-~]+)*$"
WantedScopes = Annotated[str | None, Field(max_length=2000, pattern=SCOPE_PATTERN, examples=["profile:read"])]


def whole(value: object) -> object:
    """A whole number also where it was written with a point: to JSON Schema 5.0 is an integer."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
