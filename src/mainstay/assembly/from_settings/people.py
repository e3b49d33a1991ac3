"""What the settings say of people: their accounts, their tenants, and what is written down of them."""

from mainstay.assembly.from_settings.browsers import secure_cookies
from mainstay.assembly.groups.federation import federation_of
from mainstay.assembly.groups.issuers import foreign_issuers
from mainstay.assembly.settings import Settings
from mainstay.base.client_address import ClientAddress
from mainstay.base.clock import Clock
from mainstay.base.secret import MasterKey
from mainstay.base.tenant import SystemScope
from mainstay.identity import IdentityOptions
from mainstay.identity.federation import FederationOptions
from mainstay.storage import Database
from mainstay.telemetry.audit import Audit
from mainstay.tenancy import Header, TenancyOptions, TokenClaim


def identity_options(settings: Settings, title: str) -> IdentityOptions:
    """Of accounts, sessions, passwords, keys, second factors. `title` is what authenticator apps call this one."""
    return IdentityOptions(
        issuer=settings.public_url or "mainstay",
        access_seconds=settings.access_token_seconds,
        idle_days=settings.refresh_token_days,
        limit_days=settings.sessions.limit_days,
        unremembered_minutes=settings.sessions.unremembered_minutes,
        grace_seconds=settings.sessions.grace_seconds,
        secure_cookies=secure_cookies(settings),
        passwords=settings.passwords.options(),
        accounts=settings.accounts.options(relaxed=settings.relaxed, address=settings.own_address()),
        factors=settings.factors.options(
            title=title, public_url=settings.public_url, port=settings.port, relaxed=settings.relaxed
        ),
        trusted_proxies=settings.trusted_proxies,
        keys=settings.signing.options(),
        issuers=foreign_issuers(settings.issuers),
    )


def federation_options(settings: Settings) -> FederationOptions:
    """Whom people may sign in with."""
    return federation_of(
        settings.federation, settings.federation_origins, settings.public_url, sign_up=settings.sign_up
    )


def tenancy_options(settings: Settings) -> TenancyOptions:
    """How a request names its tenant."""
    match settings.tenant_from:
        case "token":
            return TenancyOptions(resolvers=(TokenClaim(),))
        case "header":
            return TenancyOptions(resolvers=(Header(),))
        case _:
            return TenancyOptions()


def audit_of(settings: Settings, database: Database, key: MasterKey, clock: Clock) -> Audit:
    """What is written down, under keys of the people it is about."""
    address = ClientAddress(settings.trusted_proxies)
    return Audit(database, SystemScope("audit"), key, settings.audit.options(), clock, address)
