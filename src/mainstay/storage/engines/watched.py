"""An engine whose statements are timed: for logs of slow ones, and for traces."""

import weakref
from collections.abc import Callable
from time import perf_counter
from typing import Any, TypeVar

from sqlalchemy import Engine as SqlEngine
from sqlalchemy import event
from sqlalchemy.orm import Session

from mainstay.base.tenant import Scope
from mainstay.storage.ports import Engine, StatementWatch
from mainstay.storage.sessions import AsyncTenantSession, TenantSession
from mainstay.storage.statement import Bound, Rows, Script, Statement, Values

T = TypeVar("T")
_BEGAN = "mainstay_began"


class WatchedEngine:
    """An Engine before another one; what is not timed goes straight there.

    A statement that may be answered on the event loop is not timed unless somebody follows every statement: it has a
    deadline of milliseconds, and what is slow comes back through `fetch`.
    """

    def __init__(self, engine: Engine, watch: StatementWatch, *, every: bool) -> None:
        self._engine, self._watch = engine, watch
        self.name, self.dialect = engine.name, engine.dialect
        self._listened: weakref.WeakSet[SqlEngine] = weakref.WeakSet()
        self.fetch_now: Callable[[Scope, Statement, Values], Rows | None] = engine.fetch_now
        self.again_now: Callable[[Bound, Any], Rows | None] = engine.again_now
        if every:
            self.fetch_now, self.again_now = self._timed_now, self._timed_again

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def _timed_now(self, scope: Scope, statement: Statement, values: Values) -> Rows | None:
        watch = self._watch
        if not watch.follows():
            return self._engine.fetch_now(scope, statement, values)
        began = perf_counter()
        rows = self._engine.fetch_now(scope, statement, values)
        if rows is not None:
            watch.ran(statement.sql, self._engine.name, perf_counter() - began, planned=True)
        return rows

    def _timed_again(self, bound: Bound, arguments: Any) -> Rows | None:
        watch = self._watch
        if not watch.follows():
            return self._engine.again_now(bound, arguments)
        began = perf_counter()
        rows = self._engine.again_now(bound, arguments)
        if rows is not None:
            watch.ran(bound.statement.sql, self._engine.name, perf_counter() - began, planned=True)
        return rows

    async def fetch(self, scope: Scope, statement: Statement, values: Values) -> Rows:
        """The rows. What failed or was given up has taken its time too."""
        watch = self._watch
        began = perf_counter()
        try:
            return await self._engine.fetch(scope, statement, values)
        finally:
            seconds = perf_counter() - began
            if seconds >= watch.slow or watch.follows():
                watch.ran(statement.sql, self._engine.name, seconds, planned=True)

    async def write(
        self,
        scope: Scope,
        script: Script[T],
        *,
        single: bool = False,
        within: Callable[[Session], Any] | None = None,
    ) -> T:
        """The script's result. The time is that of the whole: waiting for its turn, its statements, the commit."""
        watch = self._watch
        followed = watch.follows()
        name = _name(script)
        if followed:
            script = self._told(script)
        began = perf_counter()
        try:
            return await self._engine.write(scope, script, single=single, within=within)
        finally:
            seconds = perf_counter() - began
            if followed or seconds >= watch.slow:
                watch.wrote(name, self._engine.name, seconds)

    def session(self, scope: Scope) -> AsyncTenantSession:
        """An asynchronous session whose statements are timed."""
        session = self._engine.session(scope)
        self._listen(getattr(session.bind, "sync_engine", None))
        return session

    def sync_session(self, scope: Scope) -> TenantSession:
        """A synchronous session whose statements are timed."""
        session = self._engine.sync_session(scope)
        self._listen(session.bind)
        return session

    def _told(self, script: Script[T]) -> Script[T]:
        """The same script; each of its statements is told of when its rows come back."""
        watch, system = self._watch, self._engine.name
        try:
            statement, values = next(script)
            while True:
                began = perf_counter()
                try:
                    rows = yield statement, values
                except BaseException as error:
                    watch.ran(statement.sql, system, perf_counter() - began, planned=True)
                    statement, values = script.throw(error)
                else:
                    watch.ran(statement.sql, system, perf_counter() - began, planned=True)
                    statement, values = script.send(rows)
        except StopIteration as done:
            return done.value  # type: ignore[no-any-return]  # the script's own result
        finally:
            script.close()

    def _listen(self, engine: Any) -> None:
        if not isinstance(engine, SqlEngine) or engine in self._listened:
            return
        self._listened.add(engine)
        watch, system = self._watch, self._engine.name

        def before(connection: Any, *_: Any) -> None:
            connection.info[_BEGAN] = perf_counter()

        def after(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
            seconds = perf_counter() - connection.info.pop(_BEGAN, perf_counter())
            if seconds >= watch.slow or watch.follows():
                # The text is the user's own, who may have written values into it.
                watch.ran(statement, system, seconds, planned=False)

        event.listen(engine, "before_cursor_execute", before)
        event.listen(engine, "after_cursor_execute", after)


def _name(script: Any) -> str:
    code = getattr(script, "gi_code", None)
    return code.co_qualname.replace(".<locals>", "") if code is not None else type(script).__name__
