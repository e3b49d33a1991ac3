"""The caller of a route as an administrator, and the tenant that a request is for."""

from uuid import UUID

from mainstay.base.errors import BadRequest
from mainstay.identity.administration.standing import Administrator
from mainstay.identity.api_keys.api_key import Maker
from mainstay.identity.dependencies import CurrentUser


def tenant_of(user: CurrentUser) -> UUID:
    """The tenant of this request. Raises BadRequest where it names none."""
    if user.tenant_id is None:
        raise BadRequest("This request names no tenant.", code="tenant_required")
    return user.tenant_id


def administrator(user: CurrentUser) -> Administrator:
    """The caller, in the tenant of this request. Raises BadRequest where it names none."""
    return Administrator(user.id, tenant_of(user), user.roles, user.scopes)


def maker(user: CurrentUser) -> Maker:
    """The caller as one who makes API keys. Raises BadRequest where the request names no tenant."""
    return Maker(user.id, tenant_of(user), user.scopes, user.api_key_id)
