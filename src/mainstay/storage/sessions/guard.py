"""The flush guard: stamps and verifies the tenant, bumps versions, collects what the outbox must say."""

from typing import Any
from uuid import UUID

from sqlalchemy import event, insert
from sqlalchemy import inspect as look
from sqlalchemy.orm import Mapper, Session, SessionTransaction, object_session

from mainstay.base.context import current_caller
from mainstay.base.errors import TenantViolation
from mainstay.base.events import Action
from mainstay.base.tenant import Scope, TenantScope
from mainstay.storage.outbox import Change
from mainstay.storage.sessions.cascade import delete_dependants, relinked
from mainstay.storage.sessions.criteria import tenant_attribute, tenant_table
from mainstay.storage.tables import outbox
from mainstay.storage.types import utc_now

VERSION, UPDATED = "row_version", "updated_at"
# In a session's info: who is told what was committed, as triples of tenant, channel and key.
TELL = "mainstay_tell"


class GuardedSession(Session):
    """A session that belongs to one scope; what it flushes is stamped, verified and recorded."""

    def __init__(self, *args: Any, scope: Scope, **options: Any) -> None:
        super().__init__(*args, **options)
        self.scope = scope
        self.tenant: UUID | None = scope.tenant_id if isinstance(scope, TenantScope) else None
        self.changes: list[tuple[UUID, Change]] = []
        self.touched: list[tuple[str, str, str]] = []

    def note(self, mapper: Mapper[Any], target: Any, action: Action) -> None:
        """Remember a change for the outbox; written when the flush ends."""
        attribute = tenant_attribute(mapper)
        tenant = self.tenant if attribute is None else getattr(target, attribute)
        keys = [
            str(value)
            for column, value in zip(mapper.primary_key, mapper.primary_key_from_instance(target), strict=True)
            if attribute is None or mapper.get_property_by_column(column).key != attribute
        ]
        change = Change(mapper.local_table.name, action, ",".join(keys), getattr(target, VERSION, 0) or 0)  # type: ignore[attr-defined]  # a Table
        if tenant is not None:
            self.changes.append((tenant, change))

    def write_changes(self) -> None:
        """Put the remembered changes into the outbox, in the session's own transaction."""
        changes, self.changes = self.changes, []
        if not changes:
            return
        self.touched += [(str(tenant), change.channel, change.key) for tenant, change in changes]
        caller = current_caller()
        rows = [
            {
                "tenant_id": tenant,
                "channel": change.channel,
                "action": change.action.value,
                "key": change.key,
                "row_version": change.row_version,
                "at": utc_now(),
                "actor_id": None if caller is None else caller.actor.user_id,
                "request_id": None if caller is None else caller.request_id,
                "payload": change.payload,
            }
            for tenant, change in changes
        ]
        Session.connection(self).execute(insert(outbox), rows)


def verify(session: GuardedSession, mapper: Mapper[Any], target: Any) -> None:
    """Raise TenantViolation for an object of another tenant."""
    table = tenant_table(mapper)
    if table is None:
        if session.tenant is not None and "plane" in getattr(mapper.local_table, "info", {}):
            raise TenantViolation(f"A tenant's session holds no {mapper.class_.__name__}: it is of the control plane.")
        return
    if session.tenant is None:
        return
    attribute = tenant_attribute(mapper)
    if attribute is None:
        if UUID(str(table.info["home_tenant"])) != session.tenant:
            raise TenantViolation(f"{mapper.class_.__name__} belongs to another tenant.")
        return
    # From the instance's own state: reading the attribute could load it, and loading is what is being judged.
    held = look(target).dict.get(attribute)
    history = look(target).attrs[attribute].history
    for value in (held, *history.added, *(history.deleted or ())):
        if value is not None and UUID(str(value)) != session.tenant:
            raise TenantViolation(f"A {mapper.class_.__name__} of another tenant came into this session.")


def _guarded(target: Any) -> GuardedSession | None:
    session = object_session(target)
    return session if isinstance(session, GuardedSession) else None


@event.listens_for(GuardedSession, "before_attach")
def _on_attach(session: GuardedSession, target: Any) -> None:
    verify(session, look(target).mapper, target)


@event.listens_for(GuardedSession, "loaded_as_persistent")
def _on_load(session: GuardedSession, target: Any) -> None:
    verify(session, look(target).mapper, target)


@event.listens_for(GuardedSession, "before_flush")
def _before_flush(session: GuardedSession, context: Any, instances: Any) -> None:
    for target in session.new:
        mapper = look(target).mapper
        attribute = tenant_attribute(mapper)
        if attribute is not None and session.tenant is not None and getattr(target, attribute) is None:
            setattr(target, attribute, session.tenant)
        verify(session, mapper, target)
    for target in (*session.dirty, *session.deleted):
        verify(session, look(target).mapper, target)
    delete_dependants(session)
    for target in session.dirty:
        if tenant_table(look(target).mapper) is not None and relinked(target):
            _touch(session, target)


def _touch(session: GuardedSession, target: Any) -> None:
    """Have the row written although only its links change: its version and the outbox say so."""
    mapper = look(target).mapper
    if session.is_modified(target, include_collections=False):
        return
    if UPDATED in mapper.columns:
        setattr(target, UPDATED, utc_now())
    elif VERSION in mapper.columns:
        setattr(target, VERSION, (getattr(target, VERSION) or 0) + 1)
    else:
        session.note(mapper, target, Action.updated)


@event.listens_for(GuardedSession, "after_flush")
def _after_flush(session: GuardedSession, context: Any) -> None:
    # A relationship may have written a key during the flush.
    for target in (*session.new, *session.dirty):
        verify(session, look(target).mapper, target)
    session.write_changes()


@event.listens_for(GuardedSession, "after_commit")
def _after_commit(session: GuardedSession) -> None:
    tell = session.info.get(TELL)
    if tell is not None and session.touched:
        tell(session.touched)


@event.listens_for(GuardedSession, "after_transaction_end")
def _after_transaction(session: GuardedSession, transaction: SessionTransaction) -> None:
    # Not with a savepoint's end: what was flushed in it is committed with the rest.
    if transaction.parent is None:
        session.touched = []


@event.listens_for(GuardedSession, "after_soft_rollback")
def _after_rollback(session: GuardedSession, previous: Any) -> None:
    session.changes.clear()


@event.listens_for(Mapper, "before_update")
def _before_update(mapper: Mapper[Any], connection: Any, target: Any) -> None:
    session = _guarded(target)
    if session is None or tenant_table(mapper) is None:
        return
    if session.is_modified(target, include_collections=False) and mapper.version_id_col is None:
        if VERSION in mapper.columns:
            setattr(target, VERSION, (getattr(target, VERSION) or 0) + 1)
        if UPDATED in mapper.columns:
            setattr(target, UPDATED, utc_now())


@event.listens_for(Mapper, "after_insert")
def _after_insert(mapper: Mapper[Any], connection: Any, target: Any) -> None:
    _record(mapper, target, Action.created)


@event.listens_for(Mapper, "after_update")
def _after_update(mapper: Mapper[Any], connection: Any, target: Any) -> None:
    session = _guarded(target)
    if session is not None and session.is_modified(target, include_collections=False):
        _record(mapper, target, Action.updated)


@event.listens_for(Mapper, "after_delete")
def _after_delete(mapper: Mapper[Any], connection: Any, target: Any) -> None:
    _record(mapper, target, Action.deleted)


def _record(mapper: Mapper[Any], target: Any, action: Action) -> None:
    session = _guarded(target)
    if session is not None and tenant_table(mapper) is not None:
        verify(session, mapper, target)
        session.note(mapper, target, action)
