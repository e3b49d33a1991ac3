"""The rooms of one app: made from its settings and declarations, opened and closed together."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from mainstay.assembly.declarations import People
from mainstay.assembly.declared import Declared
from mainstay.assembly.dispatch.gates import Gates
from mainstay.assembly.dispatch.lanes import Lanes
from mainstay.assembly.dispatch.second_factor_gate import SecondFactorGate
from mainstay.assembly.engines import choose_database
from mainstay.assembly.from_settings.browsers import csrf_of, edge_of
from mainstay.assembly.from_settings.cache import cache_of, close_cache, open_cache
from mainstay.assembly.from_settings.limits import limiter_of, limits_of
from mainstay.assembly.from_settings.mail import mail_of
from mainstay.assembly.from_settings.outbound import outbound_of
from mainstay.assembly.from_settings.people import audit_of, federation_options, identity_options, tenancy_options
from mainstay.assembly.from_settings.telemetry import telemetry_of
from mainstay.assembly.live.live_limits import LiveLimits
from mainstay.assembly.live.live_settings import LiveSettings
from mainstay.assembly.live.maintenance import Maintenance
from mainstay.assembly.live.origins import Origins
from mainstay.assembly.live.stored_tiers import StoredTiers
from mainstay.assembly.migrations import Migrations
from mainstay.assembly.people.holders import holders_of
from mainstay.assembly.settings import Settings
from mainstay.assembly.stories.erase_person import ErasePerson
from mainstay.assembly.stories.export_person import ExportPerson
from mainstay.assembly.stories.first_admin import FirstAdmin
from mainstay.assembly.stories.operator import operator
from mainstay.assembly.wiring.identity_to_audit import AuditJournal
from mainstay.assembly.wiring.identity_to_mail import MailLetters
from mainstay.assembly.wiring.identity_to_outbound import fetch_of
from mainstay.assembly.wiring.identity_to_tenancy import Callers, TenantMemberships
from mainstay.assembly.wiring.resources_to_cache import OutboxLog
from mainstay.assembly.wiring.telemetry_to_cache import count_cache
from mainstay.assembly.wiring.telemetry_to_limits import count_limits
from mainstay.assembly.wiring.telemetry_to_mail import count_letters
from mainstay.assembly.wiring.telemetry_to_outbound import count_outbound
from mainstay.assembly.wiring.telemetry_to_storage import StorageFigures, watch_storage
from mainstay.assembly.wiring.tenancy_to_identity import MemberChanges
from mainstay.base.clock import Clock
from mainstay.base.context import Caller
from mainstay.base.ports import Gate, Identify, Observer
from mainstay.base.secret import MasterKey
from mainstay.base.tenant import SystemScope
from mainstay.identity import Identity
from mainstay.limits import LimitsOptions
from mainstay.resources import Collection, Records, Registry, ResourcesOptions
from mainstay.resources.openapi import openapi_fragment
from mainstay.resources.rest import RestOptions, RestRoutes
from mainstay.storage import Relay
from mainstay.storage.control import ControlPlane
from mainstay.telemetry import Probe
from mainstay.tenancy import Tenancy
from mainstay.web import BodyLimits


class Rooms:
    """Everything an app stands on. Making it opens nothing; `open()` and `close()` belong to the lifespan."""

    def __init__(
        self,
        settings: Settings,
        declared: Sequence[Declared],
        options: ResourcesOptions,
        clock: Clock,
        *,
        prefix: str,
        folder: Path,
        limits: LimitsOptions | None = None,
        title: str = "Mainstay",
        people: People | None = None,
    ) -> None:
        self.settings, self.folder, self.clock = settings, folder, clock
        self.is_open = False
        # Not so where a command or a script opens the app beside the server: it takes no port, and no place in the log.
        self.serving = True
        self._opened = AsyncExitStack()
        self.system = SystemScope("assembly")
        people, key = people or People(), settings.master_key(folder)
        self._stand(title, key)
        self._admit(title, people, key)
        self._declare(declared, options, people, key)
        self._rule(limits, prefix, key)
        second_factors = SecondFactorGate(settings.pages.path)
        self.gate: Gate = Gates([self.maintenance, self.limiter], second_factors.refuse)
        body_limits = BodyLimits(size=settings.body_limit, deadline=settings.body_deadline)
        self.rest_options = RestOptions(prefix=prefix, limits=body_limits)
        self.rest = RestRoutes(self.registry, self.records, self.identify, self.rest_options, self.gate)
        models = [*(each.model for each in declared), *people.models()]
        self.migrations = Migrations(self.database, settings, models, folder / "migrations")
        self._tell()
        self._know(people)
        self.first_admin = FirstAdmin(self.identity, self.tenancy, key, clock)

    def _stand(self, title: str, key: MasterKey) -> None:
        """The database, figures and logs, and the ways out of here."""
        settings = self.settings
        self.database = choose_database(settings)
        self.telemetry = telemetry_of(settings)
        watch_storage(self.telemetry, self.database)
        self.access_log = self.telemetry.access_log
        self.observers: tuple[Observer, ...] = (self.telemetry.observer,)
        self.outbound = outbound_of(settings, self.telemetry, self.clock)
        self.mail = mail_of(settings, title, self.database, key, self.folder, self.clock)

    def _admit(self, title: str, people: People, key: MasterKey) -> None:
        """Who there is, where they belong, and what is written down of them."""
        settings = self.settings
        self.tenancy = Tenancy(self.database, SystemScope("tenancy"), tenancy_options(settings), self.clock)
        self.audit = audit_of(settings, self.database, key, self.clock)
        self.telemetry.observer.origin = self.audit.origin
        self.identity = Identity(
            self.database,
            SystemScope("identity"),
            key,
            identity_options(settings, title),
            self.clock,
            TenantMemberships(self.tenancy),
            MailLetters(self.mail),
            AuditJournal(self.audit),
            profile=people.profile,
            fetch=fetch_of(self.outbound),
            csrf=csrf_of(settings, lambda: self.origins),
            federation=federation_options(settings),
        )
        self.tenancy.revoke = self.identity.revocations
        self.tenancy.changes = MemberChanges(self.identity)
        self.identify: Identify = Callers(self.identity, self.tenancy)

    def _declare(self, declared: Sequence[Declared], options: ResourcesOptions, people: People, key: MasterKey) -> None:
        """What the app declares, and the way to its rows."""
        self.registry = Registry(options)
        for each in declared:
            self.registry.add(each.model, each.access)
        people.fill(self.identity.catalogue, self.registry)
        self.settings.factors.refuse_unknown_roles(self.identity.catalogue.roles())
        self.records = Records(self.registry, self.database, cursor_key=key.derive("cursors"), clock=self.clock)

    @property
    def counts(self) -> bool:
        """Whether requests are counted, or somebody decided that they are not."""
        return self.limiter.options is not None or self.settings.limits is False

    def _rule(self, limits: LimitsOptions | None, prefix: str, key: MasterKey) -> None:
        """What is set while the app runs, and what it is set for."""
        settings = self.settings
        self.live = LiveSettings(ControlPlane(self.database, self.system), self.clock)
        self.maintenance = Maintenance(self.live, settings.pages.path if settings.pages.on else None)
        self.origins = Origins(self.live, settings.cors, local=settings.relaxed)
        self.tiers = StoredTiers(self.live)
        self.limiter = limiter_of(
            settings, limits, self.registry, prefix=prefix, clock=self.clock, key=key, tiers=self.tiers
        )
        most = limits_of(settings.model_copy(update={"limits": True}), limits, self.registry, prefix, self.tiers)
        self.live_limits = LiveLimits(self.live, self.limiter, most or LimitsOptions())
        self.edge = edge_of(settings)

    def _tell(self) -> None:
        """Who hears of changes, and the figures of the rooms."""
        self.relay = Relay(self.database, SystemScope("relay"), [])
        self._void_log = OutboxLog(self.database, SystemScope("cache"), self.registry)
        self.cache = cache_of(self.settings, self._void_log, self.clock)
        StorageFigures(self.telemetry, self.database, self.relay)
        count_limits(self.telemetry, self.limiter.figures)
        count_cache(self.telemetry, self.cache)
        count_letters(self.telemetry, self.mail, self.database)
        count_outbound(self.telemetry, self.outbound)

    def _know(self, people: People) -> None:
        """What is held about a person, to be told and to be erased."""
        holders = holders_of(
            self.database,
            self.identity,
            self.tenancy,
            self.registry,
            self.mail,
            self.live,
            self.audit,
            people.profile,
        )
        self.export_person = ExportPerson(holders, self.audit, self.clock, self.registry)
        self.erase_person = ErasePerson(holders, self.identity, self.audit)
        self.identity.accounts.sweep.erasure = self.erase_person

    async def open(self) -> None:
        """Open the database, migrate it where the settings say so, and start what runs beside requests.

        Raises ConfigurationError for a database that is behind and may not be migrated.
        """
        async with AsyncExitStack() as opened:
            if self.serving:
                opened.push_async_callback(self.telemetry.close)
                await self.telemetry.open()
            await self.database.open()
            opened.push_async_callback(self.database.close)
            await self.migrations.at_start()
            opened.push_async_callback(self.outbound.close)
            await self.tenancy.open()
            opened.push_async_callback(self.live.close)
            await self.live.open()
            opened.push_async_callback(self.audit.close)
            self.audit.without_request = "the process itself" if self.serving else "the command line"
            await self.audit.open()
            opened.push_async_callback(self.identity.close)
            await self.identity.open()
            opened.push_async_callback(self.mail.close)
            await self.mail.open(serving=self.serving)
            opened.push_async_callback(self.limiter.close)
            await self.limiter.open()
            opened.push_async_callback(self.relay.stop)
            await self.relay.start()
            opened.push_async_callback(close_cache, self.cache, self._void_log)
            await open_cache(self.cache, self.settings, self._void_log)
            if self.serving:
                # Beside the first requests: the server is ready without it.
                warming = asyncio.create_task(self.records.warm(), name="mainstay-plans")
                opened.callback(warming.cancel)
            self._opened = opened.pop_all()
        self.is_open = True

    async def close(self) -> None:
        """Stop what runs, finish what was begun, close the database."""
        self.is_open = False
        self.access_log.flush()
        await self._opened.aclose()

    def lanes(self) -> Lanes:
        """Where reads that callers repeat are answered; for one server."""
        return Lanes(self.identity, self.rest, self.gate, tenant_header=self.tenancy.by_header)

    def records_of(self, model: type[Any]) -> Collection:
        return self.records.of(model)

    async def operator(self, tenant: str | None = None, email: str | None = None) -> Caller:
        """The caller for work ordered from the command line. Raises NotFound or Forbidden."""
        return await operator(self.identity, self.tenancy, tenant, email)

    def openapi_fragment(self) -> dict[str, Any]:
        """Paths and components of the generated routes."""
        requirements = [{name: ()} for name in self.security_schemes()]
        return openapi_fragment(self.registry, self.rest_options, security=requirements)

    def security_schemes(self) -> Mapping[str, Any]:
        """Bearer tokens, and where the docs' Authorize button gets one, with every scope there is."""
        schemes: dict[str, Any] = {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}
        if self.settings.wants_password_grant():
            scopes = {scope.name: scope.description for scope in self.identity.catalogue.list()}
            flow = {"tokenUrl": "/auth/token", "refreshUrl": "/auth/refresh", "scopes": scopes}
            schemes["Mainstay"] = {"type": "oauth2", "flows": {"password": flow}}
        return schemes

    def probes(self) -> Mapping[str, Probe]:
        """What /health asks."""
        return {"database": self.database.ping}
