"""Idempotency keys: a repeated write is answered with the first answer, stored in the write's own transaction.

Steps for use inside a script (`yield from`), per the IETF draft draft-ietf-httpapi-idempotency-key-header.
"""

from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import Dialect, bindparam, delete, func, literal_column, select
from sqlalchemy.dialects import postgresql, sqlite

from mainstay.base.errors import Conflict, Invalid
from mainstay.storage.sql import TENANT, in_tenant
from mainstay.storage.statement import Script, Statement, compile_statement
from mainstay.storage.tables import idempotency
from mainstay.storage.types import POSTGRES, Text8, utc_now

KEPT = timedelta(hours=24)
_KEY = ("actor", "route", "key")


@dataclass(frozen=True, slots=True)
class Claim:
    """What an Idempotency-Key is bound to, besides the tenant. `body_hash` is any digest of the body, as text."""

    actor: str
    route: str
    key: str
    body_hash: str

    def values(self) -> dict[str, Any]:
        return {"actor": self.actor, "route": self.route, "key": self.key}


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """The first answer: enough to give it again byte for byte."""

    status: int
    headers: dict[str, str]
    body: str


@dataclass(frozen=True, slots=True)
class _Plans:
    lock: Statement | None
    find: Statement
    keep: Statement


@lru_cache(maxsize=8)
def _plans(dialect: Dialect) -> _Plans:
    table = idempotency
    mine = [table.c[name] == bindparam(name, type_=Text8()) for name in _KEY]
    lock = None
    if dialect.name == POSTGRES:
        named = func.concat_ws("\x1f", TENANT, *(bindparam(name, type_=Text8()) for name in _KEY))
        number = func.hashtextextended(named, literal_column("0"))
        lock = compile_statement(select(func.pg_try_advisory_xact_lock(number)), dialect)
    found = (table.c.body_hash, table.c.status, table.c.headers, table.c.body)
    recent = table.c.at > bindparam("since", type_=table.c.at.type)
    values = {name: bindparam(name, type_=column.type) for name, column in table.c.items() if name != "tenant_id"}
    make: Any = postgresql.insert if dialect.name == POSTGRES else sqlite.insert
    keep = make(table).values(tenant_id=TENANT, **values)
    renewed = {name: keep.excluded[name] for name in ("body_hash", "status", "headers", "body", "at")}
    keep = keep.on_conflict_do_update(index_elements=["tenant_id", *_KEY], set_=renewed)
    return _Plans(
        lock,
        compile_statement(select(*found).where(in_tenant(table), *mine, recent), dialect),
        compile_statement(keep, dialect),
    )


def replay_or_claim(dialect: Dialect, claim: Claim) -> Script[StoredAnswer | None]:
    """The stored answer, or None: then the write is this script's to do, and `remember` must follow in it.

    Raises Invalid (422) if the key came before with another body, Conflict (409) while the first is in flight. On
    SQLite writes take turns, so a second one waits for the first and replays it.
    """
    plans = _plans(dialect)
    if plans.lock is not None:
        rows = yield plans.lock, claim.values()
        if not rows[0][0]:
            raise Conflict(
                "A request with this Idempotency-Key is still being worked on.", code="idempotency_in_flight"
            )
    rows = yield plans.find, {**claim.values(), "since": utc_now() - KEPT}
    if not rows:
        return None
    body_hash, status, headers, body = plans.find.read(rows)[0]
    if body_hash != claim.body_hash:
        raise Invalid("This Idempotency-Key was used with another body.", code="idempotency_key_reused")
    return StoredAnswer(status, headers, body)


def remember(dialect: Dialect, claim: Claim, answer: StoredAnswer) -> Script[None]:
    """Store the answer under the claim."""
    yield (
        _plans(dialect).keep,
        {
            **claim.values(),
            "body_hash": claim.body_hash,
            "status": answer.status,
            "headers": answer.headers,
            "body": answer.body,
            "at": utc_now(),
        },
    )


@lru_cache(maxsize=8)
def forget_statement(dialect: Dialect) -> Statement:
    """Deletes every tenant's answers older than the bind `before`. Needs a SystemScope."""
    old = idempotency.c.at < bindparam("before", type_=idempotency.c.at.type)
    return compile_statement(delete(idempotency).where(old), dialect, system=True)
