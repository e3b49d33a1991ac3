"""Facts about identities, in the past tense, for whoever keeps a journal of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that happened to an account, a session or a key.

    `name` is the area, a dot, and what happened in the past tense: `session.started`, `password.changed`. Who did it,
    from where and in which request is filled in by the journal, from the request in progress; `details` hold no
    secrets, no tokens and no passwords.
    """

    name: str
    user_id: UUID | None = None  # whom it is about; None where nobody is known, as for a wrong address
    tenant_id: UUID | None = None
    session_id: UUID | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
