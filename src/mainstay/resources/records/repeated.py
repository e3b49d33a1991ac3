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
# Reads once more, given what differs each time: a row's key, a page's cursor, "" for a page from the start. None where
# it cannot be had at once, or there is nothing: the ordinary way says why.
Repeat = Callable[[str], Answer | None]


@dataclass(slots=True, eq=False)
class RepeatedPage:
    """A page of packed rows, which may start beyond a cursor: its values are bound anew each time."""

    scope: TenantScope
    again: AgainNow
    bound: Bound
    limit: int
    binding: bytes
    cursors: Cursors
    place_of: Callable[[bytes], list[Any]]
    read_place: Callable[[list[Any]], list[Any]]
    envelope: tuple[bytes, bytes, bytes, bytes]
    # The row that the last cursor was made of, and that cursor: mostly the page still ends where it did.
    ended: tuple[bytes, bytes] = (b"", b"")

    def from_start(self, _: str = "") -> Answer | None:
        """The page."""
        bound = self.bound
        rows = self.again(bound, bound.arguments)
        return None if rows is None else self._answer(rows, beyond=False)

    def beyond(self, cursor: str) -> Answer | None:
        """The page after a cursor. Raises CursorRefused."""
        values = self.read_place(self.cursors.open(cursor, self.binding))
        if None in values:
            # NULLs are compared in another way, by another statement.
            return None
        rows = self.again(self.bound, self.bound.but({cursor_bind(n): value for n, value in enumerate(values)}))
        return None if rows is None else self._answer(rows, beyond=True)

    def _answer(self, found: Rows, *, beyond: bool) -> Answer:
        page, count = found[0]
        after = before = b"null"
        if page is None:
            page = b""
        elif count > self.limit:
            # One row more was asked for than is shown.
            end = page.rindex(SEPARATOR)
            row = page[page.rfind(SEPARATOR, 0, end) + 1 : end]
            page = page[:end]
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
    """One row by its key, which is bound anew each time. `stored` gives a key as it is stored, from its URL."""

    scope: TenantScope
    again: AgainNow
    bound: Bound
    plan: RowPlan
    stored: Callable[[str], Any]

    def with_key(self, key: str) -> Answer | None:
        """The row. Raises NotFound for what cannot be a key."""
        bound, plan = self.bound, self.plan
        rows = self.again(bound, bound.but({KEY: self.stored(key)}))
        if not rows:
            return None
        version = plan.version(rows[0])
        return Answer(dumps(plan.objects(rows)[0]), f'"{version}.{plan.tag}"', version)


class Repeated:
    """What is remembered of one resource's reads, over SQLite: only there nothing has to be waited for."""

    def __init__(self, database: Database, lenses: Lenses, after: str) -> None:
        self._again = database.again_now
        self._remember = lenses.remember
        self._after = after.encode() + b"="

    def page(self, lens: Lens, caller: Caller, raw: bytes) -> tuple[Repeat, str] | None:
        """How to read the page that this query string asks for, and from which cursor on; None if it is not known."""
        known = lens.repeated.get(raw)
        if known is not None:
            return (known.from_start, "") if known.scope is caller.scope else None
        start, cursor = cursor_apart(raw, self._after)
        if cursor is None:
            return None
        known = lens.repeated_beyond.get(start)
        return (known.beyond, cursor) if known is not None and known.scope is caller.scope else None

    def row(self, lens: Lens, caller: Caller, raw: bytes) -> Repeat | None:
        """How to read a row, given its key; None if it is not known."""
        known = lens.repeated_rows.get(raw)
        return known.with_key if known is not None and known.scope is caller.scope else None

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
            (start, text), pages = cursor_apart(raw, self._after), lens.repeated_beyond
            if text is None or None in cursor:
                return
        if caller.scope is None or len(start) > _LONGEST:
            return
        bound = plan.statement.bound(caller.scope, plan.bind(query, run.values, cursor))
        page = RepeatedPage(
            caller.scope, self._again, bound, query.limit, binding, run.cursors, plan.packed, plan.read_place,
            _spelt(run.envelope),
        )  # fmt: skip
        self._remember(pages, start, page)

    def keep_row(
        self, lens: Lens, caller: Caller, raw: bytes, plan: RowPlan, run: Run, key: Any, stored: Callable[[str], Any]
    ) -> None:
        """Remember how a row was read, if its version says all that its tag has to."""
        if plan.tag is None or plan.expansions or caller.scope is None or len(raw) > _LONGEST:
            return
        bound = plan.statement.bound(caller.scope, Raw(run.values, **{KEY: key if plan.key is None else plan.key(key)}))
        row = RepeatedRow(caller.scope, self._again, bound, plan, stored)
        self._remember(lens.repeated_rows, raw, row)


def cursor_apart(raw: bytes, parameter: bytes) -> tuple[bytes, str | None]:
    """A query string up to its cursor, and the cursor, where it is the last parameter and plainly spelt.

    `parameter` is the cursor's name with its sign: `after=`.
    """
    place = raw.rfind(parameter)
    if place < 0 or (place > 0 and raw[place - 1] != ord("&")):
        return raw, None
    end = place + len(parameter)
    text = raw[end:].decode("latin-1")
    # What cursors are written in; any other spelling, and further parameters, are read in the ordinary way.
    plain = text.isascii() and text.replace("-", "").replace("_", "").isalnum()
    return (raw[:end], text) if plain else (raw, None)


def _spelt(names: Envelope) -> tuple[bytes, bytes, bytes, bytes]:
    """The envelope's JSON around items, next and prev."""
    items, after, before = (orjson.dumps(name) for name in (names.items, names.next, names.prev))
    return b"{%b:[" % items, b"],%b:" % after, b",%b:" % before, b"}"
