"""`Backend`: an app opened on a fresh database, for the time of one test."""

import shutil
import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import httpx2 as httpx
from anyio.from_thread import BlockingPortal, start_blocking_portal
from pydantic import SecretStr
from starlette.testclient import TestClient

from mainstay.assembly import Mainstay, Settings, load
from mainstay.base.clock import SystemClock
from mainstay.base.errors import ConfigurationError
from mainstay.base.tenant import DEFAULT_TENANT, SystemScope
from mainstay.tenancy import Tenancy
from mainstay.testing.clock import FakeClock
from mainstay.testing.elsewhere import FakeServices
from mainstay.testing.mailbox import Mailbox
from mainstay.testing.person import Person, Served
from mainstay.testing.tenant import TenantBackend

T = TypeVar("T")
PASSWORD = "a password for tests"  # noqa: S105  of users that live as long as a test
SECRET = "a secret that signs what tests make and nothing else"  # noqa: S105  likewise


class Backend:
    """An app on a fresh, migrated database; a context manager.

    `app` is a Mainstay app, or what `mainstay serve` takes. Without `database_url` it is a new SQLite file;
    PostgreSQL's database should be empty. `settings` go over the environment's, for this test. The clock flows like
    the machine's until the test moves it: `backend.clock.advance(minutes=11)`. Exceptions that the app does not
    handle are raised in the test unless `raise_exceptions=False`. Everything is as before when the test ends:
    settings, clock, dependency overrides, files.
    """

    portal: BlockingPortal

    def __init__(
        self,
        app: Mainstay | str | Path,
        *,
        database_url: str | None = None,
        system_url: str | None = None,
        settings: Mapping[str, Any] | None = None,
        raise_exceptions: bool = True,
    ) -> None:
        self.app = app if isinstance(app, Mainstay) else load(str(app)).app
        self.clock = FakeClock()
        self.raise_exceptions = raise_exceptions
        self._database_url, self._system_url = database_url, system_url
        self._given = dict(settings or {})
        self._closing = ExitStack()
        self._people: dict[tuple[str | None, ...], Person] = {}
        self._mailbox = Mailbox(self.app, lambda work: self.portal.call(work))
        self._services: FakeServices | None = None

    # The life of a test

    def __enter__(self) -> "Backend":
        with ExitStack() as opening:
            folder = Path(tempfile.mkdtemp(prefix="mainstay-"))
            opening.callback(shutil.rmtree, folder, ignore_errors=True)
            before, overrides = self.app.settings, dict(self.app.dependency_overrides)
            opening.callback(self._restore, before, overrides)
            self.app.configure(self._settings(folder), clock=self.clock)
            self.portal = opening.enter_context(start_blocking_portal("asyncio"))
            opening.enter_context(self.portal.wrap_async_context_manager(self.app.running()))
            self._closing = opening.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for person in self._people.values():
            person.close()
        self._people.clear()
        self._services = None
        self._closing.__exit__(kind, error, trace)

    # Who sends requests

    def as_user(self, name: str, roles: Sequence[str] = ("user",), *, tenant: str | None = None) -> Person:
        """The user `name` (a word, or an e-mail address), with exactly these roles; made when they are not there yet.

        Really signed in. The same person is given again for the same arguments.
        """
        wanted = name, tenant, *sorted(roles)
        if wanted not in self._people:
            self._people[wanted] = self.portal.call(self._sign_in, name, tuple(roles), tenant)
        return self._people[wanted]

    @property
    def anonymous(self) -> Person:
        """Nobody in particular: no token."""
        return self.nobody()

    @property
    def client(self) -> TestClient:
        """The anonymous TestClient."""
        return self.anonymous.client

    @property
    def async_client(self) -> httpx.AsyncClient:
        """The anonymous async client."""
        return self.anonymous.async_client

    def tenant(self, slug: str) -> TenantBackend:
        """This tenant, made when it isn't there yet. Raises ConfigurationError for an app that has but one."""
        if self.settings.tenant_from == "default":
            raise ConfigurationError(
                "This app has one tenant, so nobody can act in another.",
                fix='Use Backend(app, settings={"tenant_from": "token"}), or set MAINSTAY_TENANT_FROM.',
            )
        found = self.portal.call(self._tenant, slug)
        return TenantBackend(self, found, slug)

    # What a test reaches

    @property
    def settings(self) -> Settings:
        """The settings of this test."""
        return self.app.settings

    @property
    def dependency_overrides(self) -> dict[Callable[..., Any], Callable[..., Any]]:
        """FastAPI's own, put back as they were when the test ends."""
        return self.app.dependency_overrides

    @property
    def outbound(self) -> FakeServices:
        """Other programs, as this test wants them. From the first use on the app calls nobody over the network."""
        if self._services is None:
            self._services = FakeServices(self.app.rooms.outbound)
            self.app.rooms.outbound.reroute(self._services)
        return self._services

    @property
    def mailbox(self) -> Mailbox:
        """The letters that the app has sent."""
        return self._mailbox

    def run(self, work: Callable[..., Awaitable[T]], *arguments: Any, **named: Any) -> T:
        """Call async code on the app's loop, outside any request."""
        return self.portal.call(partial(work, *arguments, **named))

    def nobody(self, tenant: str | None = None) -> Person:
        """Nobody in particular, naming a tenant where requests name one by header."""
        wanted = None, tenant
        if wanted not in self._people:
            self._people[wanted] = Person(self._served, self._naming(tenant))
        return self._people[wanted]

    # Inside

    def _settings(self, folder: Path) -> Settings:
        url = self._database_url or f"sqlite:///{folder / 'test.db'}"
        system = self._system_url
        values: dict[str, Any] = {
            "environment": "testing",
            "database_url": SecretStr(url),
            "database_system_url": SecretStr(system) if system else None,
            "secret_key": SecretStr(SECRET),
            "migrate": True,
            "log_format": "off",
            # Whatever mail server the environment names: no test writes to people.
            "mail": self.app.settings.mail.model_copy(update={"url": None}),
        }
        known = set(type(self.app.settings).model_fields)
        if strange := sorted(set(self._given) - known):
            raise ConfigurationError(f"{strange[0]} is not a setting.", fix="docs/reference/settings.md lists them.")
        # Validated, not copied: a value that the environment would refuse is refused here too.
        kept = {name: getattr(self.app.settings, name) for name in self.app.settings.model_fields_set}
        return type(self.app.settings)(**{**kept, **values, **self._given})

    def _restore(self, settings: Settings, overrides: dict[Any, Any]) -> None:
        self.app.configure(settings, clock=SystemClock())
        self.app.dependency_overrides.clear()
        self.app.dependency_overrides.update(overrides)

    async def _sign_in(self, name: str, roles: tuple[str, ...], tenant: str | None) -> Person:
        identity, tenancy = self.app.rooms.identity, self.app.rooms.tenancy
        email = name if "@" in name else f"{name}@example.com"
        place = DEFAULT_TENANT if tenant is None else await self._tenant(tenant)
        user = await identity.find_user(email) or await identity.create_user(email, PASSWORD, roles, tenant=place)
        held = await tenancy.roles_of(user.id, place)
        if held is None:
            await tenancy.add_member(place, user.id, roles)
        elif held != frozenset(roles):
            # A test may leave a tenant without an administrator, which the app's own tenancy refuses.
            plain = Tenancy(self.app.rooms.database, SystemScope("testing"), revoke=identity.revocations)
            await plain.set_roles(place, user.id, roles)
        tokens = await identity.sign_in(email, PASSWORD, tenant=None if tenant is None else str(place))
        headers = {"Authorization": f"Bearer {tokens.access_token}", **self._naming(tenant)}
        return Person(self._served, headers, id=user.id, email=email)

    @property
    def _served(self) -> Served:
        return Served(self.app, self.portal, self.raise_exceptions)

    def _naming(self, tenant: str | None) -> dict[str, str]:
        return {"X-Tenant-ID": tenant} if tenant and self.settings.tenant_from == "header" else {}

    async def _tenant(self, slug: str) -> Any:
        tenancy = self.app.rooms.tenancy
        found = await tenancy.get(slug) or await tenancy.create(slug, slug=slug)
        return found.id
