"""The outbox: exactly one row per change, written in the change's own transaction."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from sqlalchemy import Dialect, bindparam, insert, select
from sqlalchemy.types import TypeEngine

from mainstay.base.context import Caller, current_caller, current_request
from mainstay.base.events import Action
from mainstay.storage.sql import TENANT, UpTo
from mainstay.storage.statement import Statement, Values, compile_statement, picker, renumbered
from mainstay.storage.tables import outbox
from mainstay.storage.types import POSTGRES, json_text, utc_now, utc_text

_BOUND = ("channel", "action", "key", "row_version", "at", "actor_id", "request_id", "payload", "origin")
_MANY = ("key", "payload")
_PREFIX = "outbox_"


@dataclass(frozen=True, slots=True)
class Change:
    """One change to one row (or one bulk change to many: action `changed`, key "")."""

    channel: str
    action: Action
    key: str
    row_version: int
    payload: dict[str, Any] = field(default_factory=dict)


def change_values(change: Change, caller: Caller | None = None) -> dict[str, Any]:
    """The values for `change_statement` or `recorded`; without a caller, it is the one in context."""
    caller = caller or current_caller()
    return {
        "outbox_channel": change.channel,
        "outbox_action": change.action.value,
        "outbox_key": change.key,
        "outbox_row_version": change.row_version,
        "outbox_at": utc_now(),
        "outbox_actor_id": None if caller is None else caller.actor.user_id,
        "outbox_request_id": None if caller is None else caller.request_id,
        "outbox_payload": change.payload,
        "outbox_origin": None if caller is None else _origin(caller),
    }


def _origin(caller: Caller) -> dict[str, Any] | None:
    """Where a change came from, for auditors: of administrators and impersonators, and of all who are audited."""
    actor, request = caller.actor, current_request()
    locate = None if request is None else request.get("mainstay.origin")
    marked = actor.is_admin or actor.impersonator_id is not None
    if not marked and (locate is None or not locate.every):
        return None
    origin = {} if request is None or locate is None else locate(request)
    if actor.is_admin:
        origin["admin"] = True
    if actor.session_id is not None:
        origin["session_id"] = str(actor.session_id)
    if actor.impersonator_id is not None:
        origin["impersonator_id"] = str(actor.impersonator_id)
    return origin


@lru_cache(maxsize=8)
def change_statement(dialect: Dialect) -> Statement:
    """The INSERT of one outbox row; its binds are those of `change_values`."""
    columns: dict[str, Any] = {name: bindparam(_PREFIX + name, type_=outbox.c[name].type) for name in _BOUND}
    return compile_statement(insert(outbox).values(tenant_id=TENANT, **columns), dialect)


def record(dialect: Dialect, change: Change) -> tuple[Statement, Values]:
    """What a script yields to record the change."""
    return change_statement(dialect), change_values(change)


def recorded(statement: Statement, dialect: Dialect) -> Statement:
    """A change to at most one row together with its outbox row: one round trip on PostgreSQL.

    `statement` is a single-row INSERT, UPDATE or DELETE with RETURNING; its rows are the answer. The outbox row is
    written only if it changed a row, after it, and takes `row_version` from the returned row where there is one. The
    values are the statement's own together with `change_values(...)`.
    """
    version = statement.columns.index("row_version") if "row_version" in statement.columns else None
    note = change_statement(dialect)
    if dialect.name != POSTGRES:
        takes = () if version is None else (("outbox_row_version", version),)
        follower = note.replace(follows=True, takes=takes)
        return statement.replace(
            parts=(statement, follower), order=(), converters=_merge(statement, note), _pick=picker(())
        )
    order = tuple(dict.fromkeys((*statement.order, *note.order)))
    # The outbox row's sequence number is drawn after the row's lock is held, so that the order of the numbers is the
    # order in which changes to one row became possible.
    source = [f"${order.index('mainstay_tenant') + 1}::uuid"]
    for name in _BOUND:
        number = order.index(_PREFIX + name) + 1
        taken = name == "row_version" and version is not None
        source.append("mainstay_row.row_version" if taken else f"${number}::{_cast(outbox.c[name].type, dialect)}")
    columns, row = ", ".join(_BOUND), renumbered(statement, order)
    noted = f"INSERT INTO mainstay_outbox (tenant_id, {columns}) SELECT {', '.join(source)} FROM mainstay_row"  # noqa: S608  our own names
    text = f"WITH mainstay_row AS ({row}), mainstay_note AS ({noted}) SELECT * FROM mainstay_row"  # noqa: S608  our own names
    if version is not None:
        # A parameter that the text never mentions would have no type.
        order, text = _without(order, text, "outbox_row_version")
    return statement.replace(
        sql=text,
        order=order,
        constants={**note.constants, **statement.constants},
        converters=_merge(statement, note),
        _pick=picker(order),
    )


def recorded_many(statement: Statement, dialect: Dialect) -> Statement:
    """An INSERT of many rows together with their outbox rows (PostgreSQL): one round trip.

    Its values are the statement's own together with `change_values(...)`, in which `outbox_key` and `outbox_payload`
    are lists with an entry a row.
    """
    note = change_statement(dialect)
    order = tuple(dict.fromkeys((*statement.order, *note.order)))
    number = {name: order.index(_PREFIX + name) + 1 for name in _BOUND}
    source = []
    for name in _BOUND:
        kind = _cast(outbox.c[name].type, dialect)
        source.append(f"given.{name}::{kind}" if name in _MANY else f"${number[name]}::{kind}")
    lists = ", ".join(f"${number[name]}::text[]" for name in _MANY)
    # The count is there to be waited for: the outbox rows are numbered when every row is written and locked.
    noted = (
        f"INSERT INTO mainstay_outbox (tenant_id, {', '.join(_BOUND)}) "  # noqa: S608  our own names
        f"SELECT ${order.index('mainstay_tenant') + 1}::uuid, {', '.join(source)} "
        f"FROM (SELECT count(*) AS n FROM mainstay_row) AS written, unnest({lists}) AS given({', '.join(_MANY)}) "
        "WHERE written.n > 0"
    )
    row = renumbered(statement, order)
    return statement.replace(
        sql=f"WITH mainstay_row AS ({row}), mainstay_note AS ({noted}) SELECT * FROM mainstay_row",  # noqa: S608  as above
        order=order,
        constants={**note.constants, **statement.constants},
        converters=_merge(statement, note),
        _pick=picker(order),
    )


def recorded_rows(statement: Statement, dialect: Dialect, varying: Sequence[str], count: int) -> Statement:
    """An INSERT of one row made one of `count` rows, together with their outbox rows (SQLite): two statements.

    The values that differ from row to row are those of the `varying` binds, of `outbox_key` and of `outbox_payload`:
    each goes under the name that `nth` gives it. The rows are answered in their order.
    """
    note = change_statement(dialect)
    noted = _in_rows(note, {_PREFIX + name for name in _MANY}, count).replace(follows=True)
    rows = _in_rows(statement, set(varying), count)
    return statement.replace(parts=(rows, noted), order=(), converters=_merge(statement, note), _pick=picker(()))


def nth(name: str, index: int) -> str:
    """The bind of this name for a row of `recorded_rows`."""
    return f"{name}@{index}"


def _in_rows(statement: Statement, varying: set[str], count: int) -> Statement:
    head, values, tail = statement.sql.partition(" VALUES ")
    row, returning, columns = tail.partition(" RETURNING ")
    width = row.count("?")
    if not values or width + columns.count("?") != len(statement.order):
        raise TypeError(f"This is no INSERT of one row by its values: {statement.sql}")
    first, rest = statement.order[:width], statement.order[width:]
    order = [nth(name, index) if name in varying else name for index in range(count) for name in first]
    sql = f"{head}{values}{', '.join([row] * count)}{returning}{columns}"
    return statement.replace(sql=sql, order=(*order, *rest), _pick=picker((*order, *rest)))


def _merge(*statements: Statement) -> tuple[Any, ...]:
    return tuple({name: convert for statement in statements for name, convert in statement.converters}.items())


def _cast(type_: TypeEngine[Any], dialect: Dialect) -> str:
    return type_.compile(dialect=dialect).split(" COLLATE")[0]


def _without(order: tuple[str, ...], text: str, name: str) -> tuple[tuple[str, ...], str]:
    shorter = tuple(each for each in order if each != name)
    proxy = Statement(sql=text, order=order)
    return shorter, renumbered(proxy, shorter)


def many_statement(dialect: Dialect) -> Statement:
    """One INSERT for the outbox rows of many changes; its bind is that of `many_values`."""
    return _many_statement(dialect)


@lru_cache(maxsize=8)
def _many_statement(dialect: Dialect) -> Statement:
    note = change_statement(dialect)
    names = ", ".join(_BOUND)
    if dialect.name == POSTGRES:
        casts = ", ".join(f"{name} {_cast(outbox.c[name].type, dialect)}" for name in _BOUND)
        tenant = "CAST((SELECT set_config('mainstay.tenant', CAST($1::uuid AS text), true)) AS uuid)"
        source = f"SELECT {tenant}, {names} FROM jsonb_to_recordset($2::jsonb) AS change ({casts})"  # noqa: S608  as above
    else:
        fields = ", ".join(f"value ->> '{name}'" for name in _BOUND)
        source = f"SELECT ?, {fields} FROM json_each(?)"  # noqa: S608  as above
    order = ("mainstay_tenant", "outbox_changes")
    return note.replace(
        sql=f"INSERT INTO mainstay_outbox (tenant_id, {names}) {source}",
        order=order,
        constants={},
        converters=(),
        _pick=picker(order),
    )


def many_values(changes: list[Change]) -> dict[str, Any]:
    """The values for `many_statement`."""
    rows = []
    for change in changes:
        values = {name.removeprefix(_PREFIX): value for name, value in change_values(change).items()}
        values["actor_id"] = None if values["actor_id"] is None else str(values["actor_id"])
        values["at"] = utc_text(values["at"])
        rows.append(values)
    return {"outbox_changes": json_text(rows)}


@lru_cache(maxsize=8)
def audited_statement(dialect: Dialect, every: bool) -> Statement:
    """Changes of administrators and impersonators, or of all, in commit order after `position`; at most `batch`.

    Columns: position, tenant_id, channel, action, key, row_version, at, actor_id, request_id, payload, origin.
    """
    t = outbox.c
    chosen = select(
        *(t.position, t.tenant_id, t.channel, t.action, t.key, t.row_version),
        *(t.at, t.actor_id, t.request_id, t.payload, t.origin),
    ).where(t.position > bindparam("position"))
    if not every:
        chosen = chosen.where(t.origin.is_not(None))
    ordered = chosen.order_by(t.position).limit(bindparam("batch", type_=UpTo(1000)))
    return compile_statement(ordered, dialect, system=True)
