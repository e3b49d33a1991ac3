"""The audit log: who did what, when, from where and as whom, in chains that show when they were changed.

Alone, in a plain FastAPI app (`database` is an open `mainstay.storage.Database`, migrated with `SCHEMA`):

    audit = Audit(database, SystemScope("audit"), MasterKey(Secret(os.environ["SECRET"])))
    await audit.open()                                    # in the app's lifespan; close() after

    yield audit.note(audit.now("invoice.sent", subject=str(invoice)))    # in a script: with the change, or not at all
    audit.tell(audit.now("report.read"))                                 # soon, and counted where it comes too often
    assert all(verdict.holds for verdict in await audit.verify())
"""

from mainstay.telemetry.audit.audit import Audit
from mainstay.telemetry.audit.chain.entry import Mark
from mainstay.telemetry.audit.chain.verify import Verdict
from mainstay.telemetry.audit.deed import SYSTEM_CHAIN, Deed
from mainstay.telemetry.audit.options import AuditOptions
from mainstay.telemetry.audit.read_entries import Filter
from mainstay.telemetry.audit.routes import audit_routes
from mainstay.telemetry.audit.tables import SCHEMA

__all__ = [
    "SCHEMA",
    "SYSTEM_CHAIN",
    "Audit",
    "AuditOptions",
    "Deed",
    "Filter",
    "Mark",
    "Verdict",
    "audit_routes",
]
