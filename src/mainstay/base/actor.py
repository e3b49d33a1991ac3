"""Who is calling: the one value that policies, events and logs speak about."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Actor:
    """A caller, as the current tenant knows it. Roles are the roles held *in that tenant*."""

    user_id: UUID | None = None
    roles: frozenset[str] = frozenset()
    scopes: frozenset[str] = frozenset()
    session_id: UUID | None = None
    # The session asked for fewer scopes than its roles give: `scopes` then bounds what policy allows as well.
    narrowed: bool = False
    # The API key that proved who it is, where one did.
    api_key_id: UUID | None = None
    # How the session was proved (RFC 8176: pwd, otp, hwk, mfa…), and when a proof was last given.
    methods: frozenset[str] = frozenset()
    authenticated_at: datetime | None = None
    # The administrator who acts as this user, where one does.
    impersonator_id: UUID | None = None
    # One of their roles asks for a second factor that the session has not shown: they hold none of them before.
    restricted: bool = False
    # Somebody at the command line speaks, as whom they name: whoever holds the database is asked for no proof.
    console: bool = False
    # The user id as text, made once: plans bind it on every request.
    key: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", "" if self.user_id is None else str(self.user_id))

    @property
    def signed_in(self) -> bool:
        return self.user_id is not None

    @property
    def is_admin(self) -> bool:
        return ADMIN in self.roles


ANONYMOUS = Actor()
