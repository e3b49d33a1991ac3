"""Tenants, their members, and the proof of which tenant's rows may be touched.

Alone:

    tenancy = Tenancy(database, SystemScope("tenancy"), TenancyOptions(resolvers=(Header(),)))
    await tenancy.open()
    acme = await tenancy.create("Acme", slug="acme")
    await tenancy.add_member(acme.id, user_id, roles=["editor"])
    entry = await tenancy.resolve(user_id, Hints(header="acme"))  # entry.scope, entry.roles
"""

from mainstay.tenancy.options import TenancyOptions
from mainstay.tenancy.ports import Revoke
from mainstay.tenancy.resolve.header import Header
from mainstay.tenancy.resolve.resolver import Hints, Resolver
from mainstay.tenancy.resolve.token import TokenClaim
from mainstay.tenancy.tables import SCHEMA
from mainstay.tenancy.tenancy import Tenancy
from mainstay.tenancy.tenant import Entry, Member, Tenant

__all__ = [
    "SCHEMA",
    "Entry",
    "Header",
    "Hints",
    "Member",
    "Resolver",
    "Revoke",
    "Tenancy",
    "TenancyOptions",
    "Tenant",
    "TokenClaim",
]
