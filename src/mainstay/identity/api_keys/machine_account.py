"""A service account, as data."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class ServiceAccount:
    """A program of one tenant: it holds roles and API keys, and nothing that it could sign in with."""

    id: UUID
    tenant_id: UUID
    name: str
    active: bool
    created_at: datetime
    created_by: UUID | None
