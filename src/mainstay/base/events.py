"""Facts about rows: what the outbox stores and the relay hands on after commit."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID


class Action(StrEnum):
    """What happened to a row. `changed` stands for a bulk change through the ORM."""

    created = "created"
    updated = "updated"
    deleted = "deleted"
    changed = "changed"


@dataclass(frozen=True, slots=True)
class Event:
    """A committed change. `offset` counts from 1 within (tenant, channel, epoch), in commit order, without gaps."""

    tenant_id: UUID
    channel: str
    action: Action
    key: str
    row_version: int
    at: datetime
    actor_id: UUID | None
    request_id: str | None
    payload: dict[str, Any]
    offset: int
    epoch: str
