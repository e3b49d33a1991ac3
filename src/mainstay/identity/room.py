"""What every flow of this room works with."""

from dataclasses import dataclass
from datetime import datetime

from mainstay.base.clock import Clock
from mainstay.identity.catalogue import Catalogue
from mainstay.identity.columns.profile_fields import ProfileFields
from mainstay.identity.credentials.device_token import DeviceTokens
from mainstay.identity.credentials.forms import Forms
from mainstay.identity.credentials.hashing import PasswordHashing
from mainstay.identity.credentials.password import PasswordPolicy
from mainstay.identity.credentials.throttle import Throttle
from mainstay.identity.options import IdentityOptions
from mainstay.identity.ports import Fetch, Journal, Letters, Memberships, PlaceOf
from mainstay.identity.signing.key_ring import KeyRing
from mainstay.identity.tokens.csrf_token import CsrfTokens
from mainstay.identity.tokens.refresh_token import FamilyTokens
from mainstay.identity.tokens.remembered import RememberedTokens
from mainstay.identity.tokens.revocations import Revocations
from mainstay.identity.tokens.sightings import Sightings
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
    forms: Forms
    passwords: PasswordPolicy
    throttle: Throttle
    devices: DeviceTokens
    codes: bytes  # the key under which typed codes are kept
    keys: KeyRing
    family_tokens: FamilyTokens
    sightings: Sightings
    csrf_tokens: CsrfTokens
    places: PlaceOf
    remembered: RememberedTokens
    revocations: Revocations
    letters: Letters
    journal: Journal
    fetch: Fetch
    fields: ProfileFields

    def now(self) -> datetime:
        return self.clock.now()
