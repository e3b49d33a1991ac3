"""What a database engine does for the rooms above; one implementation a folder in `engines/`."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection, Dialect
from sqlalchemy.orm import Session

from mainstay.base.tenant import Scope
from mainstay.storage.sessions import AsyncTenantSession, TenantSession
from mainstay.storage.statement import Bound, Rows, Script, Statement, Values

T = TypeVar("T")


class StatementWatch(Protocol):
    """Is told how long statements took. Quick, and never raises; from any thread."""

    @property
    def slow(self) -> float:
        """Seconds from which on a statement is told of, whoever it is for."""
        ...

    def follows(self) -> bool:
        """Whether every statement of the work in progress is told of."""
        ...

    def ran(self, text: str, system: str, seconds: float, *, planned: bool) -> None:
        """A statement ended just now. The text of a planned one holds no values."""
        ...

    def wrote(self, name: str, system: str, seconds: float) -> None:
        """A transaction of planned statements ended just now; `name` is that of its script."""
        ...


class Held(Protocol):
    """A lock that is held until it is let go, or the process or connection ends."""

    async def alive(self) -> bool:
        """Whether it is still held."""
        ...

    async def let_go(self) -> None: ...


class Engine(Protocol):
    """Planned statements over one database. Errors are ours (`storage.errors`, `base.errors`), never a driver's."""

    name: str
    dialect: Dialect
    several_processes: bool

    @property
    def app_role(self) -> str | None:
        """The database role that serves requests, where the database has roles."""
        ...

    @property
    def owner_role(self) -> str | None:
        """The database role that owns the tables, where the database has roles."""
        ...

    async def open(self) -> None:
        """Get ready. Raises ConfigurationError with what to do."""
        ...

    async def close(self) -> None:
        """Finish what is under way and let go of everything. Calling it twice is harmless."""
        ...

    async def ping(self) -> None:
        """Raises Unavailable unless the database answers."""
        ...

    def fetch_now(self, scope: Scope, statement: Statement, values: Values) -> Rows | None:
        """The rows without leaving the event loop, or None when they must be awaited."""
        ...

    def again_now(self, bound: Bound, arguments: Any) -> Rows | None:
        """The rows of a bound statement with its own arguments, or those of `bound.but`, as fetch_now gives them."""
        ...

    async def fetch(self, scope: Scope, statement: Statement, values: Values) -> Rows: ...

    async def write(
        self,
        scope: Scope,
        script: Script[T],
        *,
        single: bool = False,
        within: "Callable[[Session], Any] | None" = None,
    ) -> T: ...

    def session(self, scope: Scope) -> AsyncTenantSession: ...

    def sync_session(self, scope: Scope) -> TenantSession: ...

    def figures(self) -> Mapping[str, float]:
        """What is in use and what waits, by name: gauges that are added up over processes."""
        ...

    async def hold(self, name: str) -> "Held | None":
        """Hold a lock that one process at a time can have on this database; None while another holds it."""
        ...

    async def administer(self, work: Callable[[Connection], T], *, changes: bool = True) -> T:
        """Run `work` as the tables' owner, in one transaction under the database's migration lock."""
        ...
