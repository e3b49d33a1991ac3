"""Row security and grants on PostgreSQL: the third net, put around every table of the tenant plane."""

from collections.abc import Callable, Iterable, Sequence

from sqlalchemy import Connection, Table, text

from mainstay.storage.sql import TENANT_PLANE, plane, tenant_column

POLICY_TENANT, POLICY_SYSTEM = "mainstay_tenant", "mainstay_system"
# In a sub-select, so that it is read once a statement; '' is what SET LOCAL leaves behind in a pooled connection.
_CURRENT = "(SELECT nullif(current_setting('mainstay.tenant', true), '')::uuid)"
_SYSTEM = "current_setting('mainstay.system', true) = 'on'"


def fence(connection: Connection, tables: Iterable[Table], app_role: str | None) -> list[str]:
    """Put row security and grants where they are missing; answers the tables touched. No other role gets anything."""
    owner: str = connection.execute(text("SELECT current_user")).scalar_one()
    touched = []
    fenced_off = [table for table in tables if plane(table) == TENANT_PLANE]
    fenced = _fenced(connection)
    granted = _granted(connection, fenced_off, app_role) if app_role is not None and app_role != owner else set()
    for table in fenced_off:
        if table.name not in fenced:
            for statement in fence_statements(table, owner, connection.dialect.identifier_preparer.quote):
                connection.exec_driver_sql(statement)
            touched.append(table.name)
        if app_role is not None and app_role != owner and table.name not in granted:
            _grant(connection, table, app_role)
    return touched


def policy_condition(table: Table) -> str:
    """The row-security condition that keeps a table to the tenant set for the statement."""
    name = tenant_column(table)
    if name is None:
        return f"'{table.info['home_tenant']}'::uuid = {_CURRENT}"
    return f'"{name}" = {_CURRENT}'


def _fenced(connection: Connection) -> set[str]:
    """The tables with both policies, in force for their owner too."""
    found = connection.execute(
        text(
            "SELECT c.relname FROM pg_class c JOIN pg_policy p ON p.polrelid = c.oid "
            "WHERE c.relrowsecurity AND c.relforcerowsecurity AND pg_table_is_visible(c.oid) "
            "AND p.polname IN ('mainstay_tenant', 'mainstay_system') GROUP BY c.oid, c.relname HAVING count(*) = 2"
        )
    )
    return set(found.scalars())


def fence_statements(table: Table, owner: str, quote: Callable[[str], str]) -> list[str]:
    """The SQL that puts row security around one table."""
    name, condition = quote(table.name), policy_condition(table)
    return [
        f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY",
        f"DROP POLICY IF EXISTS {POLICY_TENANT} ON {name}",
        f"DROP POLICY IF EXISTS {POLICY_SYSTEM} ON {name}",
        f"CREATE POLICY {POLICY_TENANT} ON {name} USING ({condition}) WITH CHECK ({condition})",
        f"CREATE POLICY {POLICY_SYSTEM} ON {name} TO {quote(owner)} USING ({_SYSTEM}) WITH CHECK ({_SYSTEM})",
    ]


def grant_statement(table: Table, role: str, quote: Callable[[str], str]) -> str:
    """The SQL that lets the requests' role work on one table, and no more."""
    return f"GRANT {_rights(table)} ON {quote(table.name)} TO {quote(role)}"


def _rights(table: Table) -> str:
    rights: str = table.info.get("grants", "SELECT, INSERT, UPDATE, DELETE")
    return rights


def _granted(connection: Connection, tables: Sequence[Table], role: str) -> set[str]:
    """Those of these tables on which the role has all its rights."""
    found = connection.execute(
        text(
            "SELECT t.name FROM unnest(CAST(:names AS text[]), CAST(:rights AS text[])) AS t (name, rights) "
            "WHERE (SELECT bool_and(has_table_privilege(:role, quote_ident(t.name), p)) "
            "FROM unnest(string_to_array(t.rights, ', ')) p)"
        ),
        {"role": role, "names": [table.name for table in tables], "rights": [_rights(table) for table in tables]},
    )
    return set(found.scalars())


def _grant(connection: Connection, table: Table, role: str) -> None:
    quote = connection.dialect.identifier_preparer.quote
    connection.exec_driver_sql(grant_statement(table, role, quote))
    for column in table.primary_key.columns:
        sequence = connection.execute(
            text("SELECT pg_get_serial_sequence(quote_ident(:name), :column)"),
            {"name": table.name, "column": column.name},
        ).scalar()
        if sequence is not None:
            connection.exec_driver_sql(f"GRANT USAGE ON SEQUENCE {sequence} TO {quote(role)}")
