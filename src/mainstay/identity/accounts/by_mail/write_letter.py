"""The steps that queue a letter, without the values that nobody gave."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from mainstay.identity.ports import Step
from mainstay.identity.room import Room


def write_letter(
    room: Room,
    kind: str,
    to: str,
    values: Mapping[str, Any],
    language: str | None = None,
    person: UUID | None = None,
) -> Sequence[Step]:
    """As `Letters.letter`; a template sees of `values` only what is not None."""
    said = {name: value for name, value in values.items() if value is not None}
    return room.letters.letter(kind, to, said, language, person)
