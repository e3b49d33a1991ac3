"""Which columns a constraint is about: under row security PostgreSQL names the constraint and nothing else."""

from typing import Any

from mainstay.storage.engines.postgres.failures import AWAY, translate
from mainstay.storage.engines.postgres.pool import Pool
from mainstay.storage.errors import ReferenceMissing, UniqueClash

# A unique rule may be an index without a constraint; a foreign key is a constraint without an index. A foreign key
# that refuses the change of the row it points to is reported with the name of the table that refers.
_COLUMNS = """
SELECT a.attname, c.relname FROM (
    SELECT conrelid AS relation, unnest(conkey) AS number FROM pg_constraint WHERE conname = $1 AND contype = 'f'
    UNION ALL
    SELECT x.indrelid, unnest(x.indkey::int2[]) FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
    WHERE i.relname = $1
) k JOIN pg_attribute a ON a.attrelid = k.relation AND a.attnum = k.number JOIN pg_class c ON c.oid = k.relation
"""


class Constraints:
    """Looks a constraint's columns up once and remembers them."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._known: dict[str, tuple[tuple[str, ...], str]] = {}

    async def explain(self, error: Exception, connection: Any = None) -> Exception:
        """The error in neutral words, with the columns it is about; looked up on `connection`, in no transaction."""
        neutral = translate(error)
        name = getattr(error, "constraint_name", None)
        if isinstance(neutral, UniqueClash | ReferenceMissing) and isinstance(name, str):
            columns, table = await self._columns(name, connection)
            if columns:
                neutral = type(neutral)(tuple(column for column in columns if column != "tenant_id"), table, name)
        return neutral

    async def _columns(self, name: str, connection: Any) -> tuple[tuple[str, ...], str]:
        if name not in self._known:
            borrowed = connection or await self._pool.acquire()
            try:
                async with borrowed.transaction():
                    rows = await borrowed.fetch(_COLUMNS, name)
            except AWAY:
                return (), ""
            finally:
                if connection is None:
                    self._pool.give(borrowed)
            self._known[name] = tuple(row[0] for row in rows), rows[0][1] if rows else ""
        return self._known[name]
