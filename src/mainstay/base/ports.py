"""Protocols that two rooms need, in words that belong to neither."""

from collections.abc import Iterable, MutableMapping
from typing import Any, Protocol

from mainstay.base.context import Caller
from mainstay.base.events import Event

Headers = Iterable[tuple[bytes, bytes]]
# An ASGI scope. What a part adds to it for others is named `mainstay.…`:
#   request_id   the request's id                      caller   base.context.Caller, once known
#   refusal      why a proof was refused               route    the template of the route, "/api/v1/books/{id}"
#   headers      list of headers that the answer gets, also where it is a problem
#   origin       base.ports.Origin: where the request comes from, for auditors
#   parts        counts what one request does for several: await parts(scope, caller, [(method, template), …])
HttpScope = MutableMapping[str, Any]


class Identify(Protocol):
    """Turns a request's headers into a Caller. Refuses bad proof; no proof is the anonymous actor.

    `method` is the request's, WEBSOCKET for a handshake: a cookie counts for what changes something only with proof
    that no other site's page sent it along. Without a method it counts for nothing but with that proof.
    """

    def recall(self, headers: Headers, request_id: str, method: str = "") -> Caller | None:
        """The caller if everything about it is already in memory, else None. Never does I/O."""
        ...

    async def identify(self, headers: Headers, request_id: str, method: str = "") -> Caller:
        """The caller. Raises SignInRequired for proof that does not hold, Forbidden for a cookie that may not be used,
        BadRequest or NotFound for a bad tenant."""
        ...


class Origin(Protocol):
    """Tells where a request comes from, for auditors; asked only for what is audited."""

    @property
    def every(self) -> bool:
        """Whether the changes of all callers are audited, and not only those of administrators."""
        ...

    def __call__(self, scope: HttpScope) -> dict[str, Any]:
        """Address, user agent, method and route, JSON-ready."""
        ...


class Gate(Protocol):
    """Decides whether a request may go on, once it is known who calls: limits, maintenance.

    `caller` is None where a proof was refused and the route runs in spite of it.
    """

    def admit_now(self, scope: HttpScope, caller: Caller | None) -> bool:
        """True: go on. False: telling takes I/O, so `admit` has to be asked. Raises a Rejected to refuse."""
        ...

    async def admit(self, scope: HttpScope, caller: Caller | None) -> None:
        """Raises a Rejected to refuse."""
        ...


class Observer(Protocol):
    """Sees every request at its beginning and at its end. Quick, and never raises."""

    def started(self, scope: HttpScope) -> None: ...

    def finished(self, scope: HttpScope, status: int, seconds: float) -> None: ...


class Subscriber(Protocol):
    """Takes committed events from the relay, in commit order, at least once."""

    async def __call__(self, events: list[Event]) -> None: ...
