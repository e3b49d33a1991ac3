"""Every place where something is held about people, in the order in which it is given up."""

from mainstay.assembly.live.live_settings import LiveSettings
from mainstay.assembly.people.account import HeldAccount, HeldAudit, HeldLetters, HeldMemberships, HeldTiers
from mainstay.assembly.people.holder import Holder
from mainstay.assembly.people.owned_rows import OwnedRows
from mainstay.base.tenant import SystemScope
from mainstay.identity import Identity
from mainstay.mail import Mail
from mainstay.model.profile import UserProfile
from mainstay.resources import Registry
from mainstay.storage import Database
from mainstay.storage.control import ControlPlane
from mainstay.telemetry.audit import Audit
from mainstay.tenancy import Tenancy


def holders_of(
    database: Database,
    identity: Identity,
    tenancy: Tenancy,
    registry: Registry,
    mail: Mail,
    live: LiveSettings,
    audit: Audit,
    profile: type[UserProfile] | None,
) -> tuple[Holder, ...]:
    """The account comes last: as long as it is there, an erasure that was interrupted is found and goes on."""
    control = ControlPlane(database, SystemScope("people"))
    return (
        OwnedRows(registry, database, tenancy, identity.catalogue),
        HeldTiers(live),
        HeldMemberships(tenancy, control),
        HeldAudit(audit),
        HeldLetters(mail, identity),
        HeldAccount(identity, control, profile),
    )
