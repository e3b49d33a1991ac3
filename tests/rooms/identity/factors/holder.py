"""Somebody with an account and second factors, as tests move them."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pyotp

from mainstay.identity.authenticators.errors import SecondFactorRequired
from mainstay.identity.factors.prove_factor import Shown
from mainstay.identity.options import FactorOptions
from mainstay.identity.sessions.session import Tokens
from tests.rooms.identity.clock import WoundClock
from tests.rooms.identity.factors.soft_key import ORIGIN, RP, SoftKey
from tests.rooms.identity.rooms import PASSWORD, House, Rooms

ADA, BOB = "ada@example.org", "bob@example.org"
OPTIONS = FactorOptions(rp_id=RP, origins=(ORIGIN,), title="Shop")


@dataclass
class Holder:
    """One user: signed in, and what they have."""

    rooms: Rooms
    clock: WoundClock
    email: str
    user_id: UUID
    session_id: UUID
    secret: str = ""
    codes: list[str] = field(default_factory=list)
    key: SoftKey = field(default_factory=SoftKey)
    passkey_id: UUID | None = None

    @property
    def factors(self) -> Any:
        return self.rooms.identity.factors

    def code(self, steps: int = 0) -> str:
        """The app's code, so many steps from now."""
        return pyotp.TOTP(self.secret).at(int(self.clock.now().timestamp()) + 30 * steps)

    async def add_app(self) -> None:
        self.secret = (await self.factors.begin_app(self.user_id, self.session_id)).secret
        self.codes = await self.factors.confirm_app(self.user_id, self.session_id, self.code()) or self.codes
        self.clock.advance(30)

    async def add_key(self, key: SoftKey | None = None, name: str = "key") -> UUID:
        self.key = key or SoftKey()
        ticket, options = await self.factors.begin_passkey(self.user_id, self.session_id)
        made = self.key.make(options)
        self.passkey_id, codes = await self.factors.add_passkey(self.user_id, self.session_id, ticket, name, made)
        self.codes = codes or self.codes
        assert self.passkey_id is not None
        return self.passkey_id

    async def first_step(self, **wishes: Any) -> str:
        """The ticket that the password opens."""
        try:
            await self.rooms.identity.sign_in(self.email, PASSWORD, **wishes)
        except SecondFactorRequired as waiting:
            found: str = waiting.extra["ticket"]
            return found
        raise AssertionError("a password alone opened a session")

    async def by_code(self, ticket: str, code: str | None = None, **more: Any) -> Tokens:
        tokens: Tokens = await self.factors.finish_sign_in(ticket, Shown(code=code or self.code()), **more)
        return tokens

    async def by_key(self, ticket: str, key: SoftKey | None = None, **instead: str) -> Tokens:
        asked = await self.factors.ask_for_passkey(ticket)
        tokens: Tokens = await self.factors.finish_sign_in(
            ticket, Shown(passkey=(key or self.key).sign(asked, **instead))
        )
        return tokens


async def holder(processes: House, clock: WoundClock, email: str = ADA, rooms: Rooms | None = None) -> Holder:
    """With an account, signed in by its password just now."""
    rooms = rooms or await processes.open(factors=OPTIONS)
    user = await rooms.identity.create_user(email, PASSWORD)
    tokens = await rooms.identity.sign_in(email, PASSWORD)
    return Holder(rooms, clock, email, user.id, tokens.session.id)
