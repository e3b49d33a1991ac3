"""Proof of which tenant's rows may be touched: no storage call is made without one."""

from dataclasses import dataclass, field
from uuid import UUID

# The tenant of an app that never heard of tenants. Fixed, so that a database moves between machines unchanged.
DEFAULT_TENANT = UUID("00000000-0000-7000-8000-000000000001")


@dataclass(frozen=True, slots=True)
class TenantScope:
    """Proof that a tenant was resolved. Only the tenancy room makes one; a lint flags any other construction."""

    tenant_id: UUID
    key: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", str(self.tenant_id))


@dataclass(frozen=True, slots=True)
class SystemScope:
    """Leave to work across tenants and on the control plane, for a stated reason. Made only in assembly."""

    reason: str


Scope = TenantScope | SystemScope
