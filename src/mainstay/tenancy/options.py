"""What can be set in the tenancy room."""

from dataclasses import dataclass

from mainstay.tenancy.resolve.resolver import Resolver


@dataclass(frozen=True, slots=True)
class TenancyOptions:
    """Where a request's tenant is looked for, in this order.

    No resolvers: the app has one tenant and nobody meets the word. With resolvers and no `default` (a slug), a
    request that names no tenant gets 400.
    """

    resolvers: tuple[Resolver, ...] = ()
    default: str | None = None
