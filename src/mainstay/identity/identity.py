"""The identity room as one object: what apps, routes and wiring call."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from mainstay.base.actor import Actor
from mainstay.base.client_address import ClientAddress
from mainstay.base.clock import Clock, SystemClock
from mainstay.base.errors import Forbidden
from mainstay.base.secret import MasterKey
from mainstay.base.tenant import DEFAULT_TENANT, SystemScope
from mainstay.identity.accounts import find_user, sign_up
from mainstay.identity.accounts.accounts import Accounts
from mainstay.identity.accounts.user import User
from mainstay.identity.administration import Administration, Administrator
from mainstay.identity.alone import Everybody, NoFetch, NoJournal, NoLetters, nowhere
from mainstay.identity.api_keys.api_keys import ApiKeys
from mainstay.identity.api_keys.secret import PREFIX
from mainstay.identity.catalogue import USER, Catalogue
from mainstay.identity.columns.profile_fields import ProfileFields
from mainstay.identity.credentials.breached import open_list
from mainstay.identity.credentials.device_token import DeviceTokens
from mainstay.identity.credentials.forms import Forms
from mainstay.identity.credentials.hashing import PasswordHashing
from mainstay.identity.credentials.password import PasswordPolicy
from mainstay.identity.credentials.throttle import Throttle
from mainstay.identity.factors.factors import SecondFactors
from mainstay.identity.federation import FederationOptions
from mainstay.identity.federation.federation import Federation
from mainstay.identity.foreign.foreign import Foreign
from mainstay.identity.keys.keys import Keys
from mainstay.identity.options import IdentityOptions
from mainstay.identity.ports import Fetch, Journal, Letters, Memberships, PlaceOf
from mainstay.identity.profiles.profiles import Profiles
from mainstay.identity.room import Room
from mainstay.identity.sessions import end_session, list_sessions, sign_in
from mainstay.identity.sessions.browsers import Browsers
from mainstay.identity.sessions.refreshing import refresh
from mainstay.identity.sessions.second_step import lacks_second_factor
from mainstay.identity.sessions.session import Session, Tokens
from mainstay.identity.sessions.verifying.verify_token import verify_token
from mainstay.identity.signing.key_ring import KeyRing
from mainstay.identity.signing.signing_key import LABEL
from mainstay.identity.tokens.csrf_token import CsrfTokens
from mainstay.identity.tokens.refresh_token import FamilyTokens, Kind
from mainstay.identity.tokens.remembered import RememberedTokens, Verified
from mainstay.identity.tokens.revocations import Revocations
from mainstay.identity.tokens.sightings import Sightings
from mainstay.model.profile import UserProfile
from mainstay.storage import Database
from mainstay.storage.control import ControlPlane
from mainstay.storage.sealing import Seal
from mainstay.web.csrf import CsrfRules

KEY_PREFIX = PREFIX.encode()


class Identity:
    """Users, their sessions, and the tokens that speak for them.

    `open()` before use, on the loop that serves; `close()` after. Without `memberships` everybody is at home in one
    tenant with the role `user`; without `letters` and `journal` nothing is sent and nothing noted.
    """

    def __init__(
        self,
        database: Database,
        system: SystemScope,
        master_key: MasterKey,
        options: IdentityOptions | None = None,
        clock: Clock | None = None,
        memberships: Memberships | None = None,
        letters: Letters | None = None,
        journal: Journal | None = None,
        profile: type[UserProfile] | None = None,
        fetch: Fetch | None = None,
        csrf: CsrfRules | None = None,
        places: PlaceOf | None = None,
        federation: FederationOptions | None = None,
    ) -> None:
        options, clock = options or IdentityOptions(), clock or SystemClock()
        control = ControlPlane(database, system)
        remembered = RememberedTokens(clock, options.remembered_tokens)
        sightings = Sightings(control, clock)
        self.options = options
        self.catalogue = Catalogue()
        self.revocations = Revocations(control, remembered, options, clock)
        self._room = Room(
            control,
            options,
            clock,
            self.catalogue,
            memberships or Everybody(),
            PasswordHashing(options.passwords),
            Forms(control, clock),
            PasswordPolicy(options.passwords, open_list(options.passwords.breached)),
            Throttle(control, clock, master_key.derive("identity/throttle"), options.attempts),
            DeviceTokens(master_key, clock, options.attempts.known_days),
            master_key.derive("identity/codes"),
            KeyRing(control, Seal(master_key, LABEL), clock, options.keys, options.stale_seconds),
            FamilyTokens(master_key),
            sightings,
            CsrfTokens(master_key),
            lambda address: self.place_of(address),
            remembered,
            self.revocations,
            letters or NoLetters(),
            journal or NoJournal(),
            fetch or NoFetch(),
            ProfileFields(profile),
        )
        self.keys = Keys(self._room, master_key)
        self.revocations.keys = self._room.keys
        self.revocations.beside = sightings.flush
        # The token known by its digest, or None: no I/O, a microsecond. Bound here: a call less on every request.
        self.verify_now = remembered.recall
        self.place_of: PlaceOf = places or nowhere
        # The client's address, as the trusted proxies tell it.
        self.address_of = ClientAddress(options.trusted_proxies)
        self.browsers = Browsers(self._room, csrf or CsrfRules(), secure=options.secure_cookies)
        self.api_keys = ApiKeys(self._room)
        self.accounts = Accounts(self._room)
        self.profiles = Profiles(self._room)
        self.administration = Administration(self._room)
        self.factors = SecondFactors(self._room, master_key)
        self.foreign = Foreign(self._room, options.issuers)
        self.federation = Federation(self._room, federation or FederationOptions(), master_key)

    async def open(self) -> None:
        """Load or make the signing keys and start listening for revocations."""
        await self._room.keys.open()
        await self.revocations.open()
        await self.keys.schedule.open()
        await self.accounts.sweep.open()

    async def close(self) -> None:
        await self.accounts.sweep.close()
        await self.keys.schedule.close()
        await self.revocations.close()
        await self.api_keys.close()
        await self.foreign.close()
        self._room.hashing.close()

    async def create_user(
        self,
        email: str,
        password: str,
        roles: Sequence[str] = (USER,),
        *,
        tenant: UUID | None = None,
        once: str | None = None,
        username: str | None = None,
        display_name: str | None = None,
        language: str | None = None,
        profile: Mapping[str, Any] | None = None,
    ) -> User:
        """A new user, a member with these roles: of `tenant`, or of the default one. Their address counts as confirmed.

        `profile` holds the app's own fields; with None nothing is kept of them yet. Raises Invalid, PasswordRefused,
        Conflict, EmailTaken or UsernameTaken.

        `once` names a deed: of all callers in all workers one succeeds, and the others get AlreadyDone.
        """
        return await sign_up.create_user(
            self._room,
            email,
            password,
            roles,
            tenant=tenant,
            once=once,
            username=username,
            display_name=display_name,
            language=language,
            profile=profile,
        )

    async def get_user(self, user_id: UUID) -> User | None:
        return await find_user.get_user(self._room, user_id)

    async def find_user(self, email: str) -> User | None:
        return await find_user.find_user(self._room, email)

    async def list_users(self, limit: int = 100, offset: int = 0) -> list[User]:
        """Users, those who came first at the head."""
        return await find_user.list_users(self._room, limit, offset)

    async def set_active(self, user_id: UUID, active: bool) -> None:
        """Shut an account and end its sessions, or open it again; as the command line. Raises NotFound, Conflict."""
        by = Administrator(None, DEFAULT_TENANT, frozenset(), frozenset())
        await self.administration.set_active(by, user_id, active)

    async def sign_in(
        self,
        email: str,
        password: str,
        *,
        scopes: Iterable[str] | None = None,
        tenant: str | None = None,
        user_agent: str | None = None,
        client_address: str | None = None,
        device: str | None = None,
        remember: bool = True,
        kind: Kind = "bearer",
    ) -> Tokens:
        """Tokens of a new session. Raises WrongCredentials, ScopeRefused, Unavailable, NotFound or Forbidden.

        `device` is what `device_token` gave to this client before: others' guesses do not make it wait.
        """
        return await sign_in.sign_in(
            self._room,
            email,
            password,
            scopes=scopes,
            tenant=tenant,
            user_agent=user_agent,
            client_address=client_address,
            device=device,
            remember=remember,
            kind=kind,
        )

    def device_token(self, user_id: UUID, shown: str | None = None) -> str:
        """What a client keeps that this user has signed in on, to show it the next time. `shown` is what it has."""
        return self._room.devices.give(user_id, shown)

    async def refresh(self, token: str, kind: Kind = "bearer") -> Tokens:
        """The session's next tokens, for a refresh token or the value of a session cookie. Raises RefreshRefused."""
        return await refresh.refresh(self._room, token, kind)

    async def sign_out(self, user_id: UUID, session_id: UUID) -> None:
        await end_session.sign_out(self._room, user_id, session_id)

    async def end_session(self, user_id: UUID, session_id: UUID) -> None:
        """End one of the user's sessions, on whichever device. Raises NotFound."""
        await end_session.end_own(self._room, user_id, session_id)

    async def sign_out_everywhere(self, user_id: UUID) -> int:
        """End all of a user's sessions; answers how many."""
        return await end_session.sign_out_everywhere(self._room, user_id)

    async def list_sessions(self, user_id: UUID) -> list[Session]:
        return await list_sessions.list_sessions(self._room, user_id)

    async def verify(self, token: bytes) -> Verified:
        """The session or API key behind a token. Raises SignInRequired for one that does not hold."""
        remembered = self.verify_now(token)
        if remembered is not None:
            return remembered
        if token[:4] == KEY_PREFIX:
            return await self.api_keys.verify(token)
        if self.foreign.names_issuer(token):
            return await self.foreign.verify(token)
        return await verify_token(self._room, token)

    def actor_of(self, verified: Verified, roles: frozenset[str], second_factor: bool = False) -> Actor:
        """The actor that this token speaks for, holding these roles: none of them while one asks for a second factor
        that the session has not shown, or the tenant does (`second_factor`)."""
        wanted = self.options.factors.required_for
        demanded = second_factor or (bool(wanted) and not wanted.isdisjoint(roles))
        restricted = demanded and lacks_second_factor(verified)
        if restricted:
            roles = frozenset()
        allowed = self.catalogue.scopes_of(roles)
        narrowed = verified.scopes is not None or restricted
        return Actor(
            verified.user_id,
            roles,
            allowed if verified.scopes is None else allowed & verified.scopes,
            verified.session_id,
            narrowed=narrowed,
            api_key_id=verified.api_key_id,
            impersonator_id=verified.impersonator_id,
            methods=verified.methods,
            authenticated_at=verified.authenticated_at,
            restricted=restricted,
        )

    async def actor(self, verified: Verified, tenant_id: UUID) -> Actor:
        """The actor in that tenant. Raises Forbidden for somebody who is not a member."""
        roles = await self._room.memberships.roles_of(verified.user_id, tenant_id)
        if roles is None:
            raise Forbidden("This account has no access here.", code="not_a_member")
        return self.actor_of(verified, roles, await self._room.memberships.demands_second_factor(tenant_id))

    def now(self) -> datetime:
        """The time, by this room's clock."""
        return self._room.now()

    async def rotate_keys(self) -> None:
        """Sign with a new key from now on; the old ones still verify. `keys` has the rest of it."""
        await self.keys.rotate(now=True)

    def key_set(self) -> dict[str, Any]:
        """The public keys (RFC 7517 §5)."""
        return self._room.keys.public()
