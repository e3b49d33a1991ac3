"""An engine that says what was committed through it, the moment it is: for what this process has to know at once."""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar, cast

import orjson
from sqlalchemy.orm import Session

from mainstay.base.tenant import Scope, TenantScope
from mainstay.storage.ports import Engine
from mainstay.storage.sessions import AsyncTenantSession, TenantSession
from mainstay.storage.sessions.guard import TELL
from mainstay.storage.sql import TENANT_NAME
from mainstay.storage.statement import Rows, Script, Statement, Values

T = TypeVar("T")
# Tenant, channel, and key ("" for many rows at once).
Touched = tuple[str, str, str]
Listener = Callable[[Iterable[Touched]], None]


class TellingEngine:
    """An Engine before another one. What changes recorded in the outbox is told before the writer's call returns.

    The listener is called on the writer's own thread or loop, must be quick and never raises. It may be told of what
    was rolled back or changed nothing, and of the same twice; what was written by other processes it is not told.
    """

    def __init__(self, engine: Engine, listener: Listener) -> None:
        self._engine, self._listener = engine, listener

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    async def write(
        self,
        scope: Scope,
        script: Script[T],
        *,
        single: bool = False,
        within: Callable[[Session], Any] | None = None,
    ) -> T:
        """The script's result, after the listener was told."""
        touched: list[Touched] = []
        noted = cast(Script[T], _Noted(script, scope, touched))
        hook = None if within is None else _noted_hook(within, touched)
        try:
            return await self._engine.write(scope, noted, single=single, within=hook)
        finally:
            # Also when the call is cancelled: the commit may be under way.
            if touched:
                self._listener(touched)

    def session(self, scope: Scope) -> AsyncTenantSession:
        """An asynchronous session whose commits are told."""
        session = self._engine.session(scope)
        session.info[TELL] = self._listener
        return session

    def sync_session(self, scope: Scope) -> TenantSession:
        """A synchronous session whose commits are told."""
        session = self._engine.sync_session(scope)
        session.info[TELL] = self._listener
        return session


class _Noted:
    """A script that is watched for the outbox rows it writes. Looks like the generator it stands for."""

    def __init__(self, script: Script[Any], scope: Scope, touched: list[Touched]) -> None:
        self._script, self._touched = script, touched
        self._tenant = scope.key if isinstance(scope, TenantScope) else None
        self.gi_code = getattr(script, "gi_code", None)
        self.begin_anew = getattr(script, "begin_anew", None)

    def __iter__(self) -> "_Noted":
        return self

    def __next__(self) -> tuple[Statement, Values]:
        return self._note(next(self._script))

    def send(self, rows: Rows) -> tuple[Statement, Values]:
        return self._note(self._script.send(rows))

    def throw(self, error: BaseException) -> tuple[Statement, Values]:
        return self._note(self._script.throw(error))

    def close(self) -> None:
        self._script.close()

    def _note(self, step: tuple[Statement, Values]) -> tuple[Statement, Values]:
        values = step[1]
        tenant = self._tenant or str(values.get(TENANT_NAME, ""))
        if "outbox_channel" in values:
            key = values["outbox_key"]
            # Many rows of one statement come with a list of keys.
            keys = [key] if isinstance(key, str) else key
            self._touched += [(tenant, values["outbox_channel"], str(each)) for each in keys]
        elif "outbox_changes" in values:
            changes = orjson.loads(values["outbox_changes"])
            self._touched += [(tenant, each["channel"], each["key"]) for each in changes]
        return step


def _noted_hook(within: Callable[[Session], Any], touched: list[Touched]) -> Callable[[Session], Any]:
    def hook(session: Session) -> Any:
        result = within(session)
        session.flush()
        touched.extend(getattr(session, "touched", ()))
        return result

    return hook
