"""Users as administrators see and change them, for callers."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from mainstay.base.page import Page
from mainstay.identity.accounts.delete_account import schedule_deletion
from mainstay.identity.administration import (
    change_account,
    change_member,
    change_roles,
    create_account,
    find_accounts,
    impersonate,
    remove_member,
    shut_account,
)
from mainstay.identity.administration.account import Account
from mainstay.identity.administration.create_account import NewAccount
from mainstay.identity.administration.entry import give_password, invite, their_sessions
from mainstay.identity.administration.find_accounts import Wanted
from mainstay.identity.administration.impersonate import Acting
from mainstay.identity.administration.standing import Administrator
from mainstay.identity.events import Fact
from mainstay.identity.leaders.another_leader import HOLD
from mainstay.identity.ports import Step
from mainstay.identity.room import Room
from mainstay.identity.sessions.session import Session


class Administration:
    """`identity.administration`. Who asks stands in front; each flow's own file says what it raises."""

    def __init__(self, room: Room) -> None:
        self._room = room

    async def list(self, by: Administrator, wanted: Wanted) -> Page[Account]:
        """A page of the accounts that they may see."""
        await self._room.journal.tell(Fact("users.listed", tenant_id=by.tenant_id))
        return await find_accounts.list_accounts(self._room, by, wanted)

    async def require(self, by: Administrator, user: UUID) -> Account:
        """Raises NotFound, also for an account that is not theirs to see."""
        account = await find_accounts.require_account(self._room, by, user)
        await self._room.journal.tell(Fact("user.read", user, by.tenant_id))
        return account

    async def create(self, by: Administrator, wanted: NewAccount) -> Account:
        return await create_account.create_account(self._room, by, wanted)

    async def set_active(self, by: Administrator, user: UUID, active: bool) -> None:
        await shut_account.set_active(self._room, by, user, active)

    async def change(
        self,
        by: Administrator,
        user: UUID,
        names: Mapping[str, str | None],
        profile: Mapping[str, Any],
        email: str | None = None,
    ) -> None:
        """Some of their names, of the app's own fields (those too that users do not write), and the address."""
        await change_account.change_account(self._room, by, user, names, profile, email)

    async def invite(self, by: Administrator, user: UUID, client_address: str | None = None) -> None:
        """Send the letter anew with which they choose their first password."""
        await invite.invite_again(self._room, by, user, client_address)

    async def give_password(self, by: Administrator, user: UUID, password: str) -> None:
        """For operators: every session ends."""
        await give_password.give_password(self._room, by, user, password)

    async def reset_link(self, by: Administrator, user: UUID) -> str:
        """For operators: the address of the page, good once, on which the user chooses a new password."""
        return await give_password.reset_link(self._room, by, user)

    async def list_sessions(self, by: Administrator, user: UUID) -> Sequence[Session]:
        return await their_sessions.list_sessions_of(self._room, by, user)

    async def end_session(self, by: Administrator, user: UUID, session: UUID) -> None:
        await their_sessions.end_session_of(self._room, by, user, session)

    async def end_sessions(self, by: Administrator, user: UUID) -> int:
        """Answers how many ended."""
        return await their_sessions.end_sessions_of(self._room, by, user)

    async def delete(self, by: Administrator, user: UUID) -> None:
        """For operators: the account is shut, and erased when the grace is over."""
        await shut_account.set_active(self._room, by, user, False)
        await schedule_deletion(self._room, user)

    async def remove(self, by: Administrator, user: UUID) -> None:
        """Out of the administrator's tenant; the account stays."""
        await remove_member.remove_member(self._room, by, user)

    async def set_roles(self, by: Administrator, user: UUID, roles: Iterable[str]) -> frozenset[str]:
        return await change_roles.set_roles(self._room, by, user, roles)

    async def change_member(self, tenant: UUID, user: UUID, roles: Iterable[str] | None) -> bool:
        """As the app's own code: no administrator asks. False for somebody who is no member."""
        return await change_member.change_member(self._room, tenant, user, roles)

    def holding(self, user: UUID) -> Sequence[Step]:
        """The steps after which nobody else shuts the account, until the transaction ends."""
        return [self._room.control.step(HOLD, user=user)]

    async def grant(self, by: Administrator, user: UUID, role: str) -> frozenset[str]:
        return await change_roles.grant_role(self._room, by, user, role)

    async def take(self, by: Administrator, user: UUID, role: str) -> frozenset[str]:
        return await change_roles.take_role(self._room, by, user, role)

    async def impersonate(self, by: Administrator, user: UUID, reason: str, user_agent: str | None = None) -> Acting:
        return await impersonate.impersonate(self._room, by, user, reason, user_agent)
