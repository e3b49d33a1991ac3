"""What every flow of this room works with."""

from dataclasses import dataclass
from datetime import datetime

from mainstay.base.clock import Clock
from mainstay.identity.catalogue import Catalogue
from mainstay.identity.credentials.hashing import PasswordHashing
from mainstay.identity.options import IdentityOptions
from mainstay.identity.ports import Memberships
from mainstay.identity.sessions.key_ring import KeyRing
from mainstay.identity.sessions.refresh_token import RefreshTokens
from mainstay.identity.sessions.remembered import RememberedTokens
from mainstay.identity.sessions.revocations import Revocations
from mainstay.storage.control import ControlPlane


@dataclass(frozen=True, slots=True)
class Room:
    """The parts that flows share; made once, by Identity."""

    control: ControlPlane
    options: IdentityOptions
    clock: Clock
    catalogue: Catalogue
    memberships: Memberships
    hashing: PasswordHashing
    keys: KeyRing
    refresh_tokens: RefreshTokens
    remembered: RememberedTokens
    revocations: Revocations

    def now(self) -> datetime:
        return self.clock.now()
