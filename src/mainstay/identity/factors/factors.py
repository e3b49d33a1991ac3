"""Second factors as one object: what routes and users' code call."""

import builtins
from typing import Any
from uuid import UUID

from mainstay.base.secret import MasterKey
from mainstay.identity.administration.standing import Administrator
from mainstay.identity.authenticators.engine import is_installed
from mainstay.identity.authenticators.held import Held
from mainstay.identity.factors import (
    change_factors,
    demand_factor,
    enrol_app,
    register_passkey,
    sign_in_with_passkey,
    step_up,
)
from mainstay.identity.factors import finish_sign_in as second_step
from mainstay.identity.factors.desk import desk_of
from mainstay.identity.factors.enrol_app import Enrolment
from mainstay.identity.factors.prove_factor import Shown
from mainstay.identity.factors.require_fresh import require_fresh
from mainstay.identity.factors.reset_factors import reset_factors
from mainstay.identity.room import Room
from mainstay.identity.sessions.session import Session, Tokens
from mainstay.identity.tokens.refresh_token import Kind


class SecondFactors:
    """`identity.factors`. Each flow's own file says what it raises."""

    def __init__(self, room: Room, master: MasterKey) -> None:
        self._desk = desk_of(room, master)
        self.options = room.options.factors

    @property
    def offers_apps(self) -> bool:
        """Whether users may add authenticator apps."""
        return self.options.totp and is_installed("totp")

    @property
    def offers_passkeys(self) -> bool:
        """Whether users may add passkeys, and sign in with one alone."""
        return self.options.rp_id is not None and is_installed("passkeys")

    async def list(self, user_id: UUID) -> change_factors.Factors:
        return await change_factors.list_factors(self._desk, user_id)

    async def begin_app(self, user_id: UUID, session_id: UUID) -> Enrolment:
        return await enrol_app.begin_app(self._desk, user_id, session_id)

    async def confirm_app(
        self, user_id: UUID, session_id: UUID, code: str, client_address: str | None = None
    ) -> builtins.list[str] | None:
        """Recovery codes, where there were none."""
        return await enrol_app.confirm_app(self._desk, user_id, session_id, code, client_address)

    async def remove_app(self, user_id: UUID, session_id: UUID) -> None:
        await change_factors.remove_app(self._desk, user_id, session_id)

    async def begin_passkey(self, user_id: UUID, session_id: UUID) -> tuple[str, dict[str, Any]]:
        """A ticket, and what `navigator.credentials.create` takes."""
        return await register_passkey.begin_passkey(self._desk, user_id, session_id)

    async def add_passkey(
        self, user_id: UUID, session_id: UUID, ticket: str, name: str, credential: dict[str, Any]
    ) -> tuple[UUID, builtins.list[str] | None]:
        """Its id; and recovery codes, where there were none."""
        return await register_passkey.add_passkey(self._desk, user_id, session_id, ticket, name, credential)

    async def rename_passkey(self, user_id: UUID, passkey: UUID, name: str) -> None:
        await change_factors.rename_passkey(self._desk, user_id, passkey, name)

    async def remove_passkey(self, user_id: UUID, session_id: UUID, passkey: UUID) -> None:
        await change_factors.remove_passkey(self._desk, user_id, session_id, passkey)

    async def renew_codes(self, user_id: UUID, session_id: UUID) -> builtins.list[str]:
        return await change_factors.renew_codes(self._desk, user_id, session_id)

    async def finish_sign_in(
        self,
        ticket: str,
        shown: Shown,
        kind: Kind = "bearer",
        client_address: str | None = None,
        device: str | None = None,
    ) -> Tokens:
        return await second_step.finish_sign_in(self._desk, ticket, kind, shown, client_address, device)

    async def ask_for_passkey(self, ticket: str, kind: Kind = "bearer") -> dict[str, Any]:
        """What `navigator.credentials.get` takes, for the second step of a sign-in."""
        return await second_step.ask_for_passkey(self._desk, ticket, kind)

    async def ask_for_any_passkey(self) -> tuple[str, dict[str, Any]]:
        """The requester's secret and the same, for a sign-in without a name."""
        return await sign_in_with_passkey.ask_for_any_passkey(self._desk)

    async def sign_in_with_passkey(self, ticket: str, credential: dict[str, Any], **wishes: Any) -> Tokens:
        """`wishes` as of `Identity.sign_in`."""
        return await sign_in_with_passkey.sign_in_with_passkey(self._desk, ticket, credential, **wishes)

    async def ask_to_step_up(self, user_id: UUID, session_id: UUID) -> tuple[str, dict[str, Any]]:
        return await step_up.ask_to_step_up(self._desk, user_id, session_id)

    async def step_up(self, user_id: UUID, session_id: UUID, shown: Shown, **more: Any) -> Session:
        """`more`: `password`, or a passkey's `ticket`; `client_address`."""
        return await step_up.step_up(self._desk, user_id, session_id, shown, **more)

    async def require_fresh(self, user_id: UUID, session_id: UUID | None, *, always: bool = False) -> Held:
        """Before something that a stolen session must not do. Raises StepUpRequired."""
        return await require_fresh(self._desk, user_id, session_id, always=always)

    async def reset(self, by: Administrator, user_id: UUID) -> bool:
        """Whether there were any."""
        return await reset_factors(self._desk, by, user_id)

    async def demands(self, tenant: UUID) -> bool:
        """Whether this tenant's members need a second factor, whatever their roles. Raises NotFound."""
        return await self._desk.room.memberships.demands_second_factor(tenant)

    async def demand(self, tenant: UUID, demanded: bool, *, by: UUID | None = None) -> bool:
        """That they do, or do not, within a second; whether that is new. `by` None is the command line."""
        offered = self.offers_apps or self.offers_passkeys
        return await demand_factor.demand_factor(self._desk, tenant, demanded, offered=offered, by=by)
