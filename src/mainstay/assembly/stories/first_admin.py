"""The first administrator: a link that works once, within thirty minutes, while there is no administrator yet."""

import base64
import hmac
from datetime import timedelta
from hashlib import sha256
from typing import Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from mainstay.base.actor import ADMIN
from mainstay.base.clock import Clock
from mainstay.base.errors import Conflict, Forbidden, NotFound
from mainstay.base.secret import MasterKey
from mainstay.base.tenant import DEFAULT_TENANT
from mainstay.identity import Identity
from mainstay.tenancy import Tenancy
from mainstay.web.pages import HtmlPage

LIFETIME = timedelta(minutes=30)
PATH = "/first-admin"
PAGE = HtmlPage("mainstay.assembly.pages", "first-admin", "index.css")


class FirstAdmin:
    """Makes links, and the administrator they are for.

    A link is signed and not stored, so that each worker accepts those of the process that printed it. Whoever holds
    one may become administrator, once: from then on there is an administrator, and every link is refused.
    """

    def __init__(self, identity: Identity, tenancy: Tenancy, key: MasterKey, clock: Clock) -> None:
        self._identity = identity
        self._tenancy = tenancy
        self._key = key.derive("first-admin")
        self._clock = clock
        self._settled = False

    async def needed(self) -> bool:
        """Whether the default tenant has had no administrator yet.

        Asked of the database until there is one: strangers may ask for the form, and members may be many.
        """
        if not self._settled:
            members = await self._tenancy.members(DEFAULT_TENANT)
            self._settled = any(ADMIN in member.roles for member in members)
        return not self._settled

    async def link(self, base_url: str) -> str | None:
        """The link, or None when there is an administrator. The token stands behind the #: no log ever sees it."""
        if not await self.needed():
            return None
        until = int((self._clock.now() + LIFETIME).timestamp())
        return f"{base_url.rstrip('/')}{PATH}#{until}.{self._sign(until)}"

    async def create(self, token: str, email: str, password: str) -> None:
        """Create the administrator. Raises Forbidden for a token that does not hold, Conflict when there is one."""
        until, _, signature = token.partition(".")
        if not (until.isascii() and until.isdigit() and len(until) < 12):
            raise _refused()
        if not hmac.compare_digest(signature.encode(), self._sign(int(until)).encode()):
            raise _refused()
        if self._clock.now().timestamp() > int(until):
            raise Forbidden("This link is more than 30 minutes old: start the server again for a new one.")
        if not await self.needed():
            raise _used()
        try:
            await self._identity.create_user(email, password, roles=(ADMIN,), once="first-admin")
        except Conflict as error:
            if error.problem_code != "already_done":
                raise
            raise _used() from None

    def _sign(self, until: int) -> str:
        mark = hmac.digest(self._key, str(until).encode(), sha256)
        return base64.urlsafe_b64encode(mark).rstrip(b"=").decode()


class FirstAdministrator(BaseModel):
    """Who the first administrator shall be."""

    model_config = ConfigDict(extra="forbid")

    token: str = Field(max_length=100)
    email: str = Field(max_length=254)
    password: str = Field(max_length=1024)


class Created(BaseModel):
    """The administrator exists."""

    status: Literal["created"] = "created"


def first_admin_routes(story: FirstAdmin, title: str) -> APIRouter:
    """The form, and what it posts."""
    router = APIRouter(include_in_schema=False)

    @router.get(PATH)
    async def form(request: Request) -> Response:
        if not await story.needed():
            raise NotFound("There is an administrator already.")
        return PAGE.render({"title": title}, {"root": str(request.scope.get("root_path", "")).rstrip("/")})

    @router.post(PATH, status_code=201)
    async def create(body: FirstAdministrator) -> Created:
        await story.create(body.token, body.email, body.password)
        return Created()

    return router


def _used() -> Conflict:
    return Conflict("There is an administrator already, so this link no longer works.", code="link_used")


def _refused() -> Forbidden:
    return Forbidden("This is not a link that this server printed.", code="link_refused")
