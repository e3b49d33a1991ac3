"""Tenant-scoped ORM sessions: what SQLAlchemy users know, held to one tenant.

A session is scoped to its tenant, not to access rules. It only reads until its first flush, which on SQLite takes the
fair writer lock until commit or rollback: keep what follows short.
"""

from typing import Any, NoReturn

from sqlalchemy import Delete, Insert, TextClause, Update, bindparam, event, text
from sqlalchemy import inspect as look
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import LoaderCriteriaOption, Mapper, ORMExecuteState, registry

from mainstay.base.errors import TenantViolation
from mainstay.base.events import Action
from mainstay.storage.outbox import Change
from mainstay.storage.sessions.cascade import dependants
from mainstay.storage.sessions.criteria import condition, criteria, families_of, prove, tenant_attribute, tenant_table
from mainstay.storage.sessions.guard import UPDATED, VERSION, GuardedSession
from mainstay.storage.sql import UNSAFE
from mainstay.storage.types import POSTGRES, UuidText, utc_now


class TenantSession(GuardedSession):
    """A session of one tenant. Core and text statements go through `unsafe(...)` only."""

    def held_to_tenant(self, families: frozenset[registry]) -> list[Any]:
        """Loader options that keep every class of these families to the tenant; made once a session."""
        known: dict[Any, list[Any]] = self.info.setdefault("mainstay_criteria", {})
        if families not in known and self.tenant is not None:
            known[families] = criteria(families, self.tenant)
        return known.get(families, [])

    def get(self, entity: Any, ident: Any, **options: Any) -> Any:
        """As SQLAlchemy's; for a key of (tenant, id) the id alone is enough."""
        mapper: Mapper[Any] = look(entity).mapper
        attribute = tenant_attribute(mapper)
        if attribute is not None and self.tenant is not None and not isinstance(ident, tuple | list | dict):
            keys = [mapper.get_property_by_column(column).key for column in mapper.primary_key]
            if attribute in keys and len(keys) == 2:
                ident = tuple(self.tenant if key == attribute else ident for key in keys)
        return super().get(entity, ident, **options)

    def connection(self, *args: Any, **options: Any) -> NoReturn:
        raise TenantViolation("A session's bare connection knows no tenant; use session.execute(unsafe(...)).")

    def bulk_save_objects(self, *args: Any, **options: Any) -> NoReturn:
        _refuse_bulk()

    def bulk_insert_mappings(self, *args: Any, **options: Any) -> NoReturn:
        _refuse_bulk()

    def bulk_update_mappings(self, *args: Any, **options: Any) -> NoReturn:
        _refuse_bulk()


class AsyncTenantSession(AsyncSession):
    """The asynchronous face of TenantSession: the same rules, awaited."""

    sync_session_class = TenantSession


def _refuse_bulk() -> NoReturn:
    raise TenantViolation("Bulk mappings pass by the guard; use session.add_all(...) or session.execute(update(...)).")


def _admit(session: TenantSession, state: ORMExecuteState) -> None:
    statement: Any = state.statement
    if not isinstance(statement, TextClause):
        return
    if "tenant" not in statement._bindparams:
        raise TenantViolation("Raw SQL in a tenant's session must hold its rows to :tenant.")
    given: Any = state.parameters
    if any("tenant" in row for row in (given if isinstance(given, list) else [given or {}])):
        raise TenantViolation("The value of :tenant is the session's own.")
    state.statement = statement.bindparams(bindparam("tenant", session.tenant, type_=UuidText()))


@event.listens_for(TenantSession, "after_begin")
def _after_begin(session: TenantSession, transaction: Any, connection: Any) -> None:
    if connection.dialect.name != POSTGRES:
        return
    if session.tenant is not None:
        statement = text("SELECT set_config('mainstay.tenant', :tenant, true)").bindparams(tenant=str(session.tenant))
    else:
        statement = text("SELECT set_config('mainstay.system', 'on', true)")
    connection.execute(statement)


@event.listens_for(TenantSession, "do_orm_execute")
def _on_execute(state: ORMExecuteState) -> Any:
    session = state.session
    assert isinstance(session, TenantSession)  # noqa: S101  narrows: the listener is this class's own
    if session.tenant is None:
        return None
    if state.execution_options.get(UNSAFE):
        _admit(session, state)
        return None
    if not state.is_orm_statement:
        raise TenantViolation("Core and text statements in a tenant's session go through unsafe(...).")
    if state.is_column_load:
        # Loads by the identity of an object that the guard has already verified.
        return None
    statement: Any = state.statement
    if isinstance(statement, Insert):
        return _bulk_insert(session, state, statement)
    if isinstance(statement, Update | Delete):
        return _bulk_change(session, state, statement)
    # A lazy load carries the options of the query that loaded its object; an object that was added has none.
    if not any(isinstance(option, LoaderCriteriaOption) for option in statement._with_options):
        statement = statement.options(*session.held_to_tenant(families_of(statement, state.all_mappers)))
        state.statement = statement
    prove(statement, session.get_bind().dialect, session.tenant)
    return None


def _bulk_insert(session: TenantSession, state: ORMExecuteState, statement: Insert) -> Any:
    mapper = _only_mapper(state)
    attribute = tenant_attribute(mapper)
    if statement.select is not None or statement._multi_values or attribute is None:
        raise TenantViolation("Insert rows with session.add_all(...), or execute(insert(Model), [{...}, ...]).")
    given: Any = state.parameters
    rows = given if isinstance(given, list) else [given or {}]
    fixed = {getattr(key, "name", key): value for key, value in (statement._values or {}).items()}
    for row in rows:
        named = row.get(attribute, getattr(fixed.get(attribute), "value", fixed.get(attribute)))
        if named is not None and named != session.tenant:
            raise TenantViolation(f"A {mapper.class_.__name__} of another tenant came into this session.")
    stamped = [{**row, attribute: session.tenant} for row in rows]
    result = state.invoke_statement(params=stamped if isinstance(given, list) else stamped[0])
    _announce(session, mapper, "insert")
    return result


def _bulk_change(session: TenantSession, state: ORMExecuteState, statement: Any) -> Any:
    mapper = _only_mapper(state)
    if state.is_executemany:
        raise TenantViolation("An update by primary key passes by the guard; use update(Model).where(...).")
    assert session.tenant is not None  # noqa: S101  narrows: the caller looked
    statement = statement.where(condition(mapper, session.tenant))
    if isinstance(statement, Update):
        if VERSION in mapper.columns:
            statement = statement.values({VERSION: getattr(mapper.class_, VERSION) + 1})
        if UPDATED in mapper.columns:
            statement = statement.values({UPDATED: utc_now()})
    statement = statement.options(*session.held_to_tenant(families_of(statement, [mapper])))
    prove(statement, session.get_bind().dialect, session.tenant)
    result = state.invoke_statement(statement=statement)
    _announce(session, mapper, "update" if isinstance(statement, Update) else "delete")
    return result


def _announce(session: TenantSession, mapper: Mapper[Any], operation: str) -> None:
    assert session.tenant is not None  # noqa: S101  narrows: the caller looked
    told, waiting = {mapper}, [mapper]
    while waiting:
        each = waiting.pop()
        change = Change(each.local_table.name, Action.changed, "", 0, {"operation": operation})  # type: ignore[attr-defined]  # a Table
        session.changes.append((session.tenant, change))
        if operation == "delete":
            # The database deletes these with them.
            fresh = {other for other, _ in dependants(each)} - told
            told |= fresh
            waiting += fresh
    session.write_changes()


def _only_mapper(state: ORMExecuteState) -> Mapper[Any]:
    mapper = state.bind_mapper
    if mapper is None or tenant_table(mapper) is None:
        raise TenantViolation("A tenant's session changes tables of the tenant plane only.")
    return mapper
