"""Sign-in with others as one object: what routes and users' code call."""

from typing import Any
from uuid import UUID

from mainstay.base.secret import MasterKey
from mainstay.identity.federation.begin_sign_in import Begun, begin_sign_in
from mainstay.identity.federation.desk import desk_of
from mainstay.identity.federation.exchange_code import exchange_code
from mainstay.identity.federation.finish_sign_in import CameBack, Finished, Visitor, finish_sign_in
from mainstay.identity.federation.kept_tokens import upstream_token
from mainstay.identity.federation.link_identity import Linked, list_identities, require_fresh, unlink_identity
from mainstay.identity.federation.options import FederationOptions, Provider
from mainstay.identity.federation.pending import Pending, cookie_of, take
from mainstay.identity.room import Room
from mainstay.identity.sessions.session import Tokens
from mainstay.web.cookies import Headers


class Federation:
    """Whom users may sign in with, and the identities they have there."""

    def __init__(self, room: Room, options: FederationOptions, master: MasterKey) -> None:
        self.options = options
        self._desk = desk_of(room, options, master)

    @property
    def providers(self) -> tuple[Provider, ...]:
        return self.options.providers

    async def begin(self, name: str, *, return_to: str, own_address: str, **more: Any) -> Begun:
        """As `begin_sign_in` says."""
        return await begin_sign_in(self._desk, name, return_to=return_to, own_address=own_address, **more)

    async def begin_link(
        self, name: str, user_id: UUID, session_id: UUID, *, return_to: str, own_address: str
    ) -> Begun:
        """The same, to link an identity to this user, who proved lately who they are. Raises FreshSignInRequired."""
        await require_fresh(self._desk, user_id, session_id)
        link = (user_id, session_id)
        return await begin_sign_in(self._desk, name, return_to=return_to, own_address=own_address, link=link)

    def take(self, headers: Headers, state: str, name: str) -> tuple[Pending, str]:
        """What the browser kept, and the header that has it forget it. Raises PendingRefused, NotFound."""
        desk, secure = self._desk, self._desk.room.options.secure_cookies
        desk.provider(name)
        pending = take(headers, state, name, desk.room.now(), desk.pending, secure=secure)
        return pending, cookie_of(state, secure).clear()

    async def finish(self, pending: Pending, back: CameBack, visitor: Visitor) -> Finished:
        """As `finish_sign_in` says."""
        return await finish_sign_in(self._desk, pending, back, visitor)

    async def exchange(self, code: str, verifier: str, **wishes: Any) -> Tokens:
        """As `exchange_code` says."""
        return await exchange_code(self._desk, code, verifier, **wishes)

    async def list(self, user_id: UUID) -> list[Linked]:
        return await list_identities(self._desk, user_id)

    async def unlink(self, user_id: UUID, session_id: UUID, identity_id: UUID) -> None:
        """Let go of an identity. Raises FreshSignInRequired, NotFound, LastWayIn."""
        await unlink_identity(self._desk, user_id, session_id, identity_id)

    async def access_token(self, user_id: UUID, name: str) -> str:
        """A token for the provider's API, in this user's name; `keep_tokens` has to be set. Raises NotFound."""
        return await upstream_token(self._desk, user_id, name)
