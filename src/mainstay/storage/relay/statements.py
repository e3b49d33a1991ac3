"""The relay's statements, spelled per database: many rows are passed as one JSON array."""

from dataclasses import dataclass, field
from typing import Any

from mainstay.storage.statement import Statement, picker
from mainstay.storage.types import POSTGRES, UtcDateTime

# A row is ripe when no running transaction can be older than its own. It also waits for every visible row whose
# number was drawn before its own: such a row may hold an earlier version of the same thing.
_RIPE = """
WITH oldest AS MATERIALIZED (SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS xid)
SELECT o.seq, o.tenant_id, o.channel FROM mainstay_outbox o
WHERE (SELECT set_config('mainstay.system', 'on', true)) IS NOT NULL
  AND o.position IS NULL AND o.xid < (SELECT xid FROM oldest)
  AND o.seq < coalesce((SELECT min(u.seq) FROM mainstay_outbox u
                        WHERE u.position IS NULL AND u.xid >= (SELECT xid FROM oldest)), 9223372036854775807)
ORDER BY o.seq LIMIT $1
"""
# All that numbering is, in one statement: each has its price where a server stands between. The rows are those that
# were seen waiting; within the transaction nobody else numbers.
_NUMBER_ALL = """
WITH waiting AS MATERIALIZED (
    SELECT o.seq, o.tenant_id, o.channel,
           (SELECT numbered FROM mainstay_relay) + row_number() OVER (ORDER BY o.seq) AS p,
           row_number() OVER (PARTITION BY o.tenant_id, o.channel ORDER BY o.seq) AS n
    FROM mainstay_outbox o WHERE o.seq = ANY (CAST($1 AS bigint[])) AND o.position IS NULL
), placed AS MATERIALIZED (
    SELECT w.seq, w.tenant_id, w.channel, w.p, w.n + coalesce(c.last_offset, 0) AS o
    FROM waiting w LEFT JOIN mainstay_channels c ON c.tenant_id = w.tenant_id AND c.channel = w.channel
), numbered AS (
    UPDATE mainstay_outbox SET position = placed.p, channel_offset = placed.o FROM placed
    WHERE mainstay_outbox.seq = placed.seq
), channels AS (
    INSERT INTO mainstay_channels (tenant_id, channel, last_offset)
    SELECT tenant_id, channel, max(o) FROM placed GROUP BY tenant_id, channel
    ON CONFLICT (tenant_id, channel) DO UPDATE SET last_offset = excluded.last_offset
)
UPDATE mainstay_relay SET numbered = coalesce((SELECT max(p) FROM placed), numbered),
    delivered = CASE WHEN $2::boolean THEN coalesce((SELECT max(p) FROM placed), delivered) ELSE delivered END
"""
_UNDELIVERED = (
    "SELECT o.position, o.tenant_id, o.channel, o.action, o.key, o.row_version, o.at, o.actor_id, o.request_id, "
    "o.payload, o.channel_offset FROM mainstay_outbox o "
    "WHERE o.position > (SELECT delivered FROM mainstay_relay){gate} ORDER BY o.position LIMIT {limit}"
)
_GATE = " AND (SELECT set_config('mainstay.system', 'on', true)) IS NOT NULL"

# Of each half the first row by its index: what is not numbered yet, and what is numbered and not delivered.
_OLDEST = (
    "SELECT min(at) FROM (SELECT * FROM (SELECT o.at FROM mainstay_outbox o WHERE {unnumbered}{gate} "
    "ORDER BY o.seq LIMIT 1) AS a UNION ALL SELECT * FROM (SELECT o.at FROM mainstay_outbox o "
    "WHERE o.position > (SELECT delivered FROM mainstay_relay){gate} ORDER BY o.position LIMIT 1) AS b) AS o"
)

_POSTGRES = {
    "waiting": (_RIPE, "batch"),
    "undelivered": (_UNDELIVERED.format(gate=_GATE, limit="$1"), "batch"),
    "oldest": (_OLDEST.format(unnumbered="o.position IS NULL", gate=_GATE), ""),
    "state": ("SELECT epoch, numbered, delivered FROM mainstay_relay", ""),
    "create_state": (
        "INSERT INTO mainstay_relay (id, epoch, numbered, delivered) VALUES (1, $1, 0, 0) ON CONFLICT DO NOTHING",
        "epoch",
    ),
    "number_all": (_NUMBER_ALL, "seqs nobody"),
    "set_delivered": ("UPDATE mainstay_relay SET delivered = $1", "position"),
    "forget": (
        "DELETE FROM mainstay_outbox WHERE position <= $1 AND at < $2 "
        "AND (SELECT set_config('mainstay.system', 'on', true)) IS NOT NULL",
        "delivered before",
    ),
}
# SQLite has one writer, so the order of `seq` is the order of commits, and serves as the position too.
_SQLITE = {
    "waiting": (
        "SELECT seq, tenant_id, channel FROM mainstay_outbox WHERE seq > (SELECT numbered FROM mainstay_relay) "
        "ORDER BY seq LIMIT +?",
        "batch",
    ),
    "undelivered": (_UNDELIVERED.format(gate="", limit="+?"), "batch"),
    "oldest": (_OLDEST.format(unnumbered="o.seq > coalesce((SELECT numbered FROM mainstay_relay), 0)", gate=""), ""),
    "state": _POSTGRES["state"],
    "create_state": (
        "INSERT INTO mainstay_relay (id, epoch, numbered, delivered) VALUES (1, ?, 0, 0) ON CONFLICT DO NOTHING",
        "epoch",
    ),
    "offsets": (
        "SELECT c.tenant_id, c.channel, c.last_offset FROM json_each(?) j "
        "JOIN mainstay_channels c ON c.tenant_id = j.value ->> 't' AND c.channel = j.value ->> 'c'",
        "rows",
    ),
    "set_offsets": (
        "INSERT INTO mainstay_channels (tenant_id, channel, last_offset) "
        "SELECT value ->> 't', value ->> 'c', value ->> 'o' FROM json_each(?) WHERE true "
        "ON CONFLICT (tenant_id, channel) DO UPDATE SET last_offset = excluded.last_offset",
        "rows",
    ),
    "number": (
        "UPDATE mainstay_outbox SET position = j.value ->> 'p', channel_offset = j.value ->> 'o' "
        "FROM json_each(?) j WHERE mainstay_outbox.seq = j.value ->> 's'",
        "rows",
    ),
    "set_numbered": ("UPDATE mainstay_relay SET numbered = ?", "position"),
    "set_delivered": ("UPDATE mainstay_relay SET delivered = ?", "position"),
    "forget": ("DELETE FROM mainstay_outbox WHERE position <= ? AND at < ?", "delivered before"),
}


@dataclass(frozen=True, slots=True)
class RelayStatements:
    """The relay's statements for one database; all need a SystemScope."""

    dialect_name: str
    _made: dict[str, Statement] = field(default_factory=dict)

    def __post_init__(self) -> None:
        texts = _POSTGRES if self.dialect_name == POSTGRES else _SQLITE
        before = ("before", UtcDateTime().to_raw(self.dialect_name))
        for name, (sql, binds) in texts.items():
            order = tuple(binds.split())
            converters: Any = (before,) if "before" in order else ()
            self._made[name] = Statement(sql=sql, order=order, converters=converters, system=True, _pick=picker(order))

    def __getitem__(self, name: str) -> Statement:
        return self._made[name]
