"""The origins of clients and tenants: those of the settings, and those that were set while the app runs."""

from typing import Any
from uuid import UUID

from mainstay.assembly.live.cors_settings import CorsSettings
from mainstay.assembly.live.live_settings import LiveSettings
from mainstay.web.cors import CorsRule, CorsRules

KIND = "cors"
CLIENT, TENANT = "cors/client/", "cors/tenant/"


class Origins:
    """Keeps the rules that web's Cors goes by. A client that is set at run time replaces the settings' of that name."""

    def __init__(self, live: LiveSettings, settings: CorsSettings, *, local: bool) -> None:
        self._live = live
        self._given = settings.client_rules()
        self.rules = CorsRules(settings.rule(local=local), self._given)
        live.follow(KIND, self._take)

    async def set_client(self, name: str, rule: dict[str, Any], *, by: UUID | None = None) -> CorsRule:
        """What the pages of a client may do, from now on. Raises ConfigurationError for what is no rule."""
        made = _rule(rule)
        await self._live.put(f"{CLIENT}{name}", rule, by)
        return made

    async def unset_client(self, name: str, *, by: UUID | None = None) -> None:
        """Go by what the settings say of a client, if anything."""
        await self._live.put(f"{CLIENT}{name}", None, by)

    async def set_tenant(self, tenant_id: UUID, rule: dict[str, Any], *, by: UUID | None = None) -> CorsRule:
        """What pages may do with answers for callers in this tenant, beside what the operator allows everywhere."""
        made = _rule(rule)
        await self._live.put(f"{TENANT}{tenant_id}", rule, by)
        return made

    async def unset_tenant(self, tenant_id: UUID, *, by: UUID | None = None) -> None:
        """Nothing more than the operator allows."""
        await self._live.put(f"{TENANT}{tenant_id}", None, by)

    def _take(self, name: str, value: Any) -> None:
        rule = None if value is None else _rule(value)
        if name.startswith(CLIENT):
            named = name.removeprefix(CLIENT)
            self.rules.set_client(named, rule or self._given.get(named))
        else:
            self.rules.set_tenant(UUID(name.removeprefix(TENANT)), rule)


def _rule(value: dict[str, Any]) -> CorsRule:
    fields: dict[str, Any] = {each: tuple(given) if isinstance(given, list) else given for each, given in value.items()}
    return CorsRule(**fields)
