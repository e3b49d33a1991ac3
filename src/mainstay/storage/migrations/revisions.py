"""Writing a revision: the differences as an Alembic file for the app's folder, to look over and commit."""

import re
from pathlib import Path
from typing import Any

from alembic.autogenerate import render_python_code
from alembic.autogenerate.api import AutogenContext
from alembic.operations import ops
from sqlalchemy import Connection

from mainstay.base.ids import uuid7
from mainstay.storage.database import Database
from mainstay.storage.migrations.additive import fill_required
from mainstay.storage.migrations.chain import Chain
from mainstay.storage.migrations.compare import differences, managed_checks
from mainstay.storage.migrations.migrate import APP_VERSION, Plan
from mainstay.storage.types import EnumText, ScaledDecimal, StoredType

_FILE = '''"""{message}."""

import sqlalchemy as sa
from alembic import op

from mainstay.storage import types

revision = {revision!r}
down_revision = {down!r}
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run on the database, in one transaction."""
    {upgrade}


def downgrade() -> None:
    """Take it back."""
    {downgrade}
'''


async def write_revision(database: Database, plan: Plan, message: str) -> Path | None:
    """Write the next revision into `plan.folder`; None when nothing differs.

    The first revision of an app that already has tables says what it finds missing, like any other.
    """
    folder = plan.folder or Path("migrations")
    versions = folder / "versions"
    versions.mkdir(parents=True, exist_ok=True)
    chain = Chain(versions, APP_VERSION)

    def work(connection: Connection) -> tuple[str, str] | None:
        chain.upgrade(connection)
        upgrade = differences(connection, plan.app)
        if upgrade.is_empty():
            return None
        fill_required(upgrade, connection)
        downgrade = _reverse(upgrade, managed_checks(connection))
        return _rendered(upgrade), _rendered(downgrade)

    texts = await database.administer(work, changes=False)
    if texts is None:
        return None
    number = len(list(versions.glob("*.py"))) + 1
    slug = re.sub(r"[^a-z0-9]+", "_", message.lower()).strip("_")[:40] or "change"
    path = versions / f"{number:04d}_{slug}.py"
    path.write_text(
        _FILE.format(
            message=message.replace('"', "'").rstrip("."),
            revision=f"{number:04d}_{uuid7().hex[-8:]}",
            down=chain.head,
            upgrade=texts[0],
            downgrade=texts[1],
        )
    )
    return path


def _reverse(upgrade: ops.UpgradeOps, checks: dict[str, dict[str, str]]) -> ops.DowngradeOps:
    container = ops.DowngradeOps([])
    for step in upgrade.ops:
        turned = step.reverse() if not isinstance(step, ops.ModifyTableOps) else _reverse_table(step, checks)
        container.ops.insert(0, turned)
    return container


def _reverse_table(step: ops.ModifyTableOps, checks: dict[str, dict[str, str]]) -> ops.ModifyTableOps:
    turned: list[ops.MigrateOperation] = []
    for each in step.ops:
        if isinstance(each, ops.DropConstraintOp) and each.constraint_type == "check":
            # The operation knows only the name; the text is what was written when the check was made.
            name = str(each.constraint_name)
            text = checks[step.table_name][name]
            turned.insert(0, ops.CreateCheckConstraintOp(name, step.table_name, text))
        else:
            turned.insert(0, each.reverse())
    return ops.ModifyTableOps(step.table_name, turned)


def _rendered(container: Any) -> str:
    return render_python_code(container, render_as_batch=True, render_item=_render_item, sqlalchemy_module_prefix="sa.")


def _render_item(kind: str, item: Any, context: AutogenContext) -> Any:
    if kind != "type" or not isinstance(item, StoredType):
        return False
    if isinstance(item, ScaledDecimal):
        return f"types.ScaledDecimal({item.digits}, {item.places})"
    if isinstance(item, EnumText):
        return f"types.EnumText.of({', '.join(map(repr, item.values))})"
    return f"types.{type(item).__name__}()"
