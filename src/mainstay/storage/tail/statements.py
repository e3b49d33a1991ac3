"""The tail's statements, spelled per database."""

from mainstay.storage.statement import Statement, picker
from mainstay.storage.types import POSTGRES

_GATE = " AND (SELECT set_config('mainstay.system', 'on', true)) IS NOT NULL"
_COLUMNS = "SELECT {place}, tenant_id, channel, key, CASE WHEN channel = '{own}' THEN payload END FROM mainstay_outbox "
# A row's place: on PostgreSQL the relay's number, given in the order of commits; on SQLite the writer's own.
_PLACE = {POSTGRES: "position", "sqlite": "seq"}


def tail_statements(name: str, channel: str) -> dict[str, Statement]:
    """The statements by what they tell, for one database; all need a SystemScope. `channel` is that of notes."""
    postgres = name == POSTGRES
    place, gate = _PLACE[name], _GATE if postgres else ""
    numbers = iter(("$1", "$2")) if postgres else None
    columns = _COLUMNS.format(place=place, own=channel)

    def bind() -> str:
        return next(numbers) if numbers is not None else "?"

    texts = {
        "since": (f"{columns}WHERE {place} > {bind()}{gate} ORDER BY {place} LIMIT {bind()}", "place batch"),
        "recent": (
            f"{columns}WHERE {place} IS NOT NULL{gate} ORDER BY {place} DESC LIMIT {'$1' if postgres else '?'}",
            "most",
        ),
        "waiting": (f"SELECT min(seq), max(seq) FROM mainstay_outbox WHERE position IS NULL{gate}", ""),  # noqa: S608  our own names
        "state": ("SELECT epoch, numbered FROM mainstay_relay", ""),
        "create_state": (
            "INSERT INTO mainstay_relay (id, epoch, numbered, delivered) "  # noqa: S608  as above
            f"VALUES (1, {'$1' if postgres else '?'}, 0, 0) ON CONFLICT DO NOTHING",
            "epoch",
        ),
    }
    made = {}
    for title, (sql, binds) in texts.items():
        order = tuple(binds.split())
        made[title] = Statement(sql=sql, order=order, system=True, _pick=picker(order))
    return made
