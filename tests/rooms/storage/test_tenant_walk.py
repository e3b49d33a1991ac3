"""A plan without the tenant does not compile."""

from typing import Any

import pytest
from sqlalchemy import (
    Column,
    Integer,
    MetaData,
    Table,
    and_,
    bindparam,
    column,
    delete,
    exists,
    func,
    insert,
    literal,
    literal_column,
    or_,
    select,
    table,
    text,
    update,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg

from mainstay.base.errors import ConfigurationError, TenantViolation
from mainstay.base.tenant import TenantScope
from mainstay.storage import compile_statement
from mainstay.storage.sql import TENANT, in_tenant
from tests.rooms.storage.shelf import SYSTEM, authors, books, secrets, tenant

OTHER = authors.alias("other")
MINE = in_tenant(books)

REFUSED: dict[str, Any] = {
    "no condition": select(books.c.id),
    "another condition": select(books.c.id).where(books.c.title == "x"),
    "behind an or": select(books.c.id).where(or_(MINE, books.c.title == "x")),
    "negated": select(books.c.id).where(~MINE),
    "a literal tenant": select(books.c.id).where(books.c.tenant_id == literal("x")),
    "another bind": select(books.c.id).where(books.c.tenant_id == bindparam("tenant")),
    "the alias is free": select(books.c.id).select_from(books, OTHER).where(MINE),
    "the joined table is free": select(books.c.id).join(authors, authors.c.id == books.c.author_id).where(MINE),
    "the left of an outer join": select(books.c.id).select_from(
        books.outerjoin(authors, and_(MINE, in_tenant(authors)))
    ),
    "a full join": select(books.c.id).select_from(books.join(authors, and_(MINE, in_tenant(authors)), full=True)),
    "a scalar subquery": select(books.c.id, select(func.count()).select_from(authors).scalar_subquery()).where(MINE),
    "an exists": select(books.c.id).where(MINE, exists().where(authors.c.id == books.c.author_id)),
    "an in": select(books.c.id).where(MINE, books.c.author_id.in_(select(authors.c.id))),
    "an order": select(books.c.id).where(MINE).order_by(select(authors.c.name).scalar_subquery()),
    "a cte": select(select(books.c.id).cte("all_books").c.id),
    "a from-subquery": select(select(books.c.id).subquery().c.id),
    "a union": select(books.c.id).where(MINE).union(select(books.c.id)),
    "a cte beside": select(books.c.id).where(MINE).add_cte(select(authors.c.id).cte("beside")),
    "text": select(books.c.id).where(MINE, text("1 = 1 OR 1 = 1")),
    "a literal column": select(literal_column("(SELECT name FROM authors)")).select_from(books).where(MINE),
    "a bare table": select(column("id")).select_from(table("books", column("id"))),
    "an insert without": insert(books).values(id=bindparam("id"), title="x"),
    "an insert of all columns": insert(books),
    "an insert of another": insert(books).values(tenant_id=bindparam("t"), id=bindparam("id")),
    "many rows": insert(books).values([{"tenant_id": TENANT, "title": "a"}, {"tenant_id": None, "title": "b"}]),
    "an insert from a select": insert(books).from_select(
        ["tenant_id", "id"], select(authors.c.tenant_id, authors.c.id)
    ),
    "an update": update(books).values(title="x"),
    "an update of the tenant": update(books).where(MINE).values(tenant_id=TENANT),
    "an update from another": update(books).where(MINE, books.c.author_id == authors.c.id).values(title=authors.c.name),
    "an update with a subquery": update(books).where(MINE).values(title=select(authors.c.name).scalar_subquery()),
    "a delete": delete(books),
    "a clash outside the tenant": sqlite.insert(books)
    .values(tenant_id=TENANT, id=bindparam("id"), title="x")
    .on_conflict_do_update(index_elements=["id"], set_={"title": "x"}),
    "returning a subquery": delete(books).where(MINE).returning(select(authors.c.name).scalar_subquery()),
}

ADMITTED: dict[str, Any] = {
    "a select": select(books.c.id).where(MINE),
    "reversed": select(books.c.id).where(books.c.tenant_id == TENANT),
    "an alias": select(OTHER.c.id).where(in_tenant(OTHER)),
    "a join": select(books.c.id).join(authors, and_(in_tenant(authors), authors.c.id == books.c.author_id)).where(MINE),
    "an outer join": select(books.c.id)
    .outerjoin(authors, and_(in_tenant(authors), authors.c.id == books.c.author_id))
    .where(MINE),
    "a correlated exists": select(books.c.id).where(
        MINE, exists().where(in_tenant(authors), authors.c.id == books.c.author_id)
    ),
    "a cte": select(select(books.c.id).where(MINE).cte("mine").c.id),
    "a union": select(books.c.id).where(MINE).union(select(authors.c.id).where(in_tenant(authors))),
    "an insert": insert(books).values(tenant_id=TENANT, id=bindparam("id"), title=bindparam("title")),
    "an update": update(books).where(MINE, books.c.id == bindparam("key")).values(title="x"),
    "a delete": delete(books).where(and_(books.c.title == "x", and_(MINE))),
}


@pytest.fixture(params=["sqlite", "postgresql"])
def dialect(request: pytest.FixtureRequest) -> Any:
    return sqlite.dialect() if request.param == "sqlite" else PGDialect_asyncpg()  # type: ignore[no-untyped-call]  # untyped upstream


@pytest.mark.parametrize("name", REFUSED)
def test_a_statement_that_could_leave_the_tenant_is_refused(name: str, dialect: Any) -> None:
    with pytest.raises(TenantViolation):
        compile_statement(REFUSED[name], dialect)


@pytest.mark.parametrize("name", ADMITTED)
def test_a_statement_held_to_the_tenant_compiles(name: str, dialect: Any) -> None:
    assert "mainstay_tenant" in compile_statement(ADMITTED[name], dialect).order


def test_a_table_without_a_plane_is_refused(dialect: Any) -> None:
    nameless = Table("nameless", MetaData(), Column("id", Integer, primary_key=True))
    with pytest.raises(ConfigurationError, match="nameless"):
        compile_statement(select(nameless), dialect)


def test_the_control_plane_and_what_crosses_tenants_need_a_system_scope(dialect: Any) -> None:
    for statement in (
        compile_statement(select(secrets.c.id), dialect),
        compile_statement(select(books.c.id), dialect, system=True),
    ):
        with pytest.raises(TenantViolation, match="SystemScope"):
            statement.bind(tenant(), {})
        statement.bind(SYSTEM, {})


def test_the_tenant_is_bound_from_the_scope_and_nothing_else(dialect: Any) -> None:
    scope: TenantScope = tenant()
    statement = compile_statement(select(books.c.id).where(MINE), dialect)
    assert statement.bind(scope, {"mainstay_tenant": "another"}) == (scope.key,)
