"""Reads that a caller repeats: bound already, so that running the statement is nearly all that is left to do.

What is remembered lies in the caller's lens and ends with it. It is the outcome of the ordinary way: policy, scopes
and strict parameters were looked at then, and depend on nothing but the caller and the query string.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from mainstay.base.context import Caller
from mainstay.base.tenant import TenantScope
from mainstay.resources.answers import Answer
from mainstay.resources.cursors import Cursors
from mainstay.resources.options import Envelope
from mainstay.resources.plan.context import Run
from mainstay.resources.plan.row import KEY, RowPlan
from mainstay.resources.plan.rows import RowsPlan
from mainstay.resources.plan.select.keyset import cursor_bind
from mainstay.resources.plan.select.lens import Lens, Lenses
from mainstay.resources.plan.select.packed import SEPARATOR
from mainstay.resources.plan.select.serialise import body_tag, dumps
from mainstay.resources.query import ListQuery
from mainstay.storage import Database
from mainstay.storage.statement import Bound, Raw, Rows

# Bytes of a query string that is remembered.
_LONGEST = 128
AgainNow = Callable[[Bound, tuple[Any, ...]], Rows | None]


@dataclass(slots=True, eq=False)
class RepeatedPage:
    """A page of packed rows. With `place` it starts beyond a cursor, whose values are bound anew each time."""

    scope: TenantScope
    bound: Bound
    limit: int
    binding: bytes
    cursors: Cursors
    place_of: Callable[[bytes], list[Any]]
    read_place: Callable[[list[Any]], list[Any]]
    envelope: tuple[bytes, bytes, bytes, bytes]
    # The row that the last cursor was made of, and that cursor: mostly the page still ends where it did.
    ended: tuple[bytes, bytes] = (b"", b"")

    def from_start(self, again: AgainNow) -> Answer | None:
        """The page; None where it cannot be had at once."""
        rows = again(self.bound, self.bound.arguments)
        return None if rows is None else self._answer(rows, beyond=False)

    def beyond(self, again: AgainNow, cursor: str) -> Answer | None:
        """The page after a cursor; None where it cannot be had at once. Raises CursorRefused."""
        values = self.read_place(self.cursors.open(cursor, self.binding))
        if None in values:
            # NULLs are compared in another way, by another statement.
            return None
        rows = again(self.bound, self.bound.but({cursor_bind(n): value for n, value in enumerate(values)}))
        return None if rows is None else self._answer(rows, beyond=True)

    def _answer(self, found: Rows, *, beyond: bool) -> Answer:
        page: bytes = found[0][0] or b""
        after = before = b"null"
        if page.count(SEPARATOR) >= self.limit:
            # One row more was asked for than is shown.
            page = page[: page.rindex(SEPARATOR)]
            row = page[page.rfind(SEPARATOR) + 1 :]
            if row != self.ended[0]:
                self.ended = row, self._cursor(row)
            after = self.ended[1]
        if beyond and page:
            before = self._cursor(page.partition(SEPARATOR)[0])
        first, second, third, last = self.envelope
        body = b"".join((first, page.replace(SEPARATOR, b","), second, after, third, before, last))
        return Answer(body, f'"{body_tag(body)}"')

    def _cursor(self, row: bytes) -> bytes:
        return b'"%b"' % self.cursors.seal(self.binding, self.place_of(row)).encode()


@dataclass(slots=True, eq=False)
class RepeatedRow:
    """One row by its key, which is bound anew each time."""

    scope: TenantScope
    bound: Bound
    plan: RowPlan

    def answer(self, again: AgainNow, key: Any) -> Answer | None:
        """The row; None where it cannot be had at once, or where there is none: the ordinary way says why."""
        convert = self.plan.key
        rows = again(self.bound, self.bound.but({KEY: key if convert is None else convert(key)}))
        if not rows:
            return None
        plan = self.plan
        version = plan.version(rows[0])
        return Answer(dumps(plan.objects(rows)[0]), f'"{version}.{plan.tag}"', version)


class Repeated:
    """What is remembered of one resource's reads, over SQLite: only there nothing has to be waited for."""

    def __init__(self, database: Database, lenses: Lenses, after: str) -> None:
        self._again = database.again_now
        self._remember = lenses.remember
        self._after = after.encode() + b"="

    def page(self, lens: Lens | None, caller: Caller, raw: bytes) -> Answer | None:
        """The page that this query string asks for; None where it is to be read in the ordinary way."""
        if lens is None:
            return None
        known = lens.repeated.get(raw)
        if known is not None:
            return known.from_start(self._again) if known.scope is caller.scope else None
        start, cursor = self._cut(raw)
        if cursor is None:
            return None
        known = lens.repeated_beyond.get(start)
        if known is None or known.scope is not caller.scope:
            return None
        found: Answer | None = known.beyond(self._again, cursor)
        return found

    def row(self, lens: Lens | None, caller: Caller, key: Any, raw: bytes) -> Answer | None:
        """The row with this key, as it is stored; None where it is to be read in the ordinary way."""
        known = None if lens is None else lens.repeated_rows.get(raw)
        return known.answer(self._again, key) if known is not None and known.scope is caller.scope else None

    def keep_page(
        self, lens: Lens, caller: Caller, raw: bytes, plan: RowsPlan, run: Run, query: ListQuery, binding: bytes,
        cursor: list[Any] | None,
    ) -> None:  # fmt: skip
        """Remember a page that was read, if it is of the kind that can be."""
        if plan.packed is None or plan.count is not None or query.mode != "cursor" or query.before is not None:
            return
        if plan.statement.slow:
            return
        # Apart from those without a cursor: `after=` alone is a mistake, and no page that somebody was led to.
        start, text, pages = raw, None, lens.repeated
        if cursor is not None:
            (start, text), pages = self._cut(raw), lens.repeated_beyond
            if text is None or None in cursor:
                return
        if caller.scope is None or len(start) > _LONGEST:
            return
        bound = plan.statement.bound(caller.scope, plan.bind(query, run.values, cursor))
        page = RepeatedPage(
            caller.scope, bound, query.limit, binding, run.cursors, plan.packed, plan.read_place, _spelt(run.envelope)
        )
        self._remember(pages, start, page)

    def keep_row(self, lens: Lens, caller: Caller, raw: bytes, plan: RowPlan, run: Run, key: Any) -> None:
        """Remember how a row was read, if its version says all that its tag has to."""
        if plan.tag is None or plan.expansions or caller.scope is None or len(raw) > _LONGEST:
            return
        stored = key if plan.key is None else plan.key(key)
        bound = plan.statement.bound(caller.scope, Raw(run.values, **{KEY: stored}))
        self._remember(lens.repeated_rows, raw, RepeatedRow(caller.scope, bound, plan))

    def _cut(self, raw: bytes) -> tuple[bytes, str | None]:
        """The query string up to its cursor, and the cursor, where it is the last parameter and plainly spelt."""
        place = raw.rfind(self._after)
        if place < 0 or (place > 0 and raw[place - 1] != ord("&")):
            return raw, None
        end = place + len(self._after)
        text = raw[end:].decode("latin-1")
        # What cursors are written in; any other spelling, and further parameters, are read in the ordinary way.
        plain = text.isascii() and text.replace("-", "").replace("_", "").isalnum()
        return (raw[:end], text) if plain else (raw, None)


def _spelt(names: Envelope) -> tuple[bytes, bytes, bytes, bytes]:
    """The envelope's JSON around items, next and prev."""
    items, after, before = (orjson.dumps(name) for name in (names.items, names.next, names.prev))
    return b"{%b:[" % items, b"],%b:" % after, b",%b:" % before, b"}"
