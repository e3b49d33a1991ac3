"""ORM sessions for users' own code, held to one tenant, asynchronous and synchronous."""

from mainstay.storage.sessions.tenant_session import AsyncTenantSession, TenantSession

__all__ = ["AsyncTenantSession", "TenantSession"]
