"""Where the measuring happens: a copy of the app's SQLite file, or the PostgreSQL database itself."""

import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pysqlite3  # type: ignore[import-untyped]  # it has no stubs
from pydantic import SecretStr
from sqlalchemy.engine import make_url

from mainstay.assembly import Mainstay, load
from mainstay.base.context import Caller
from mainstay.base.errors import Rejected
from mainstay.base.tenant import DEFAULT_TENANT
from mainstay.cli.benchmark.floor import FloorPlan
from mainstay.cli.frame.act import opened
from mainstay.cli.frame.ending import Refused
from mainstay.cli.frame.resource import require_resource

TOKEN_SECONDS = 3600
# Enough that the same row is not asked for again and again, few enough for one request.
MOST_KEYS = 200


@dataclass(frozen=True, slots=True)
class Stage:
    """What to serve, what to ask of it, and the floor over the same rows."""

    resource: str
    settings: Mapping[str, Any]
    token: str
    keys: tuple[str, ...]
    body: Mapping[str, Any]
    unique: tuple[str, ...]
    floor: FloorPlan
    database: str
    no_creates: str
    """Why creating rows is not measured; empty when it is."""

    def fresh(self) -> dict[str, Any]:
        """The body of a row like the first one; what must be unique is made so where it is text."""
        return fresh_body(self.body, self.unique)


def fresh_body(body: Mapping[str, Any], unique: Iterable[str]) -> dict[str, Any]:
    """A copy of the body with unique text of its own."""
    made = dict(body)
    for name in unique:
        if isinstance(made.get(name), str):
            made[name] = f"{made[name][:40]}{secrets.token_hex(8)}"
    return made


def prepare(target: str, resource: str | None, creates: bool, folder: Path) -> Stage:
    """Copy what may be copied, make somebody to send the requests. Raises Refused where there are no rows."""
    loaded = load(target)
    url = make_url(loaded.app.settings.database())
    settings: dict[str, Any] = {"access_token_seconds": TOKEN_SECONDS, "log_format": "off"}
    if url.get_backend_name() == "sqlite":
        copy = folder / "bench.db"
        _copy(Path(str(url.database)), copy)
        settings["database_url"] = SecretStr(f"sqlite:///{copy}")
    loaded.app.configure(loaded.app.settings.model_copy(update=settings))
    return opened(loaded.app, lambda app: _stage(app, resource, creates, settings))


def _copy(source: Path, copy: Path) -> None:
    if not source.exists():
        raise Refused(f"{source} is not there, so there are no rows to measure with.", fix="Import some first.")
    reader, writer = pysqlite3.connect(source), pysqlite3.connect(copy)
    reader.backup(writer)
    writer.close()
    reader.close()


async def _stage(app: Mainstay, wanted: str | None, creates: bool, settings: Mapping[str, Any]) -> Stage:
    rooms = app.rooms
    caller = await rooms.operator()
    names = [require_resource(app, wanted)] if wanted else list(rooms.registry.names)
    found = {name: await _rows(app, caller, name) for name in names}
    name = max(found, key=lambda each: found[each][0], default="")
    rows = found[name][1] if name else []
    if not rows:
        raise Refused("there are no rows to measure with.", fix=f"mainstay import app.py {name} rows.csv")
    spec = rooms.registry[name].spec
    email, password = f"bench-{secrets.token_hex(4)}@example.com", secrets.token_urlsafe(16)
    await rooms.identity.create_user(email, password, ["admin"])
    tokens = await rooms.identity.sign_in(email, password)
    url = make_url(app.settings.database())
    sqlite = url.get_backend_name() == "sqlite"
    unique = tuple(field.name for field in spec.fields.values() if field.unique and field.name != spec.key.name)
    writable = [field.name for field in spec.fields.values() if field.write != "never"]
    table = spec.model.__table__
    floor = FloorPlan(
        database=str(url.database) if sqlite else app.settings.database_system() or app.settings.database(),
        table=str(table.name),
        key=str(spec.key.column.name),
        tenant_column=spec.tenant_column.name if spec.tenant_column is not None else None,
        tenant=str(DEFAULT_TENANT),
        fresh=tuple(str(spec.fields[each].column.name) for each in unique),
        token=f"Bearer {tokens.access_token}".encode(),
    )
    body = {each: rows[0][each] for each in writable if each in rows[0] and each != spec.key.name}
    keys = tuple(str(row[spec.key.name]) for row in rows)
    no_creates = "the rows would stay in the database; ask for it with --creates"
    if sqlite or creates:
        no_creates = await _why_not(app, caller, name, body, unique)
    place = "sqlite" if sqlite else "postgresql"
    return Stage(name, settings, tokens.access_token, keys, body, unique, floor, place, no_creates)


async def _rows(app: Mainstay, caller: Caller, name: str) -> tuple[int, list[dict[str, Any]]]:
    """How many there are, and the first of them."""
    records = app.rooms.records[name]
    most = min(MOST_KEYS, records.spec.options.max_page_size)
    answer = await records.page(caller, records.read_query(f"count=exact&limit={most}".encode()))
    found = json.loads(answer.body)
    return found["count"], found["items"]


async def _why_not(app: Mainstay, caller: Caller, name: str, body: Mapping[str, Any], unique: Sequence[str]) -> str:
    """What the app says to a row like its first one; nothing when it takes it."""
    try:
        await app.rooms.records[name].create(caller, fresh_body(body, unique))
    except Rejected as error:
        told = "; ".join(f"{'.'.join(map(str, each.loc))}: {each.message}" for each in error.errors)
        return f"a row like the first one is refused: {told or error.detail}"
    return ""
