"""What happens around each call of a service's client: its turn, its attempts, its limits, its figures."""

import asyncio
import logging
import time
from collections.abc import MutableMapping

import httpx2

from mainstay.base.clock import Clock
from mainstay.base.context import current_caller
from mainstay.outbound.bounded import bounded
from mainstay.outbound.errors import ServiceAway, ServiceLate
from mainstay.outbound.figures import ServiceFigures
from mainstay.outbound.options import ServiceOptions
from mainstay.outbound.ports import Carry
from mainstay.outbound.retrying import pause, repeats_answer, repeats_error

LOGGER = logging.getLogger(__name__)


class Calls(httpx2.AsyncBaseTransport):
    """A transport over `wire` that keeps to what `service` says.

    Raises ServiceAway and ServiceLate, which are httpx errors too, in the place of those of the last attempt.
    """

    def __init__(
        self, name: str, service: ServiceOptions, wire: httpx2.AsyncBaseTransport, clock: Clock, carry: Carry | None
    ) -> None:
        self.figures = ServiceFigures()
        self._name, self._service, self._wire, self._clock, self._carry = name, service, wire, clock, carry
        self._home = httpx2.URL(service.base_url)
        self._turns = asyncio.Semaphore(service.concurrency)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self._stay_home(request.url)
        mark(request.headers, self._carry)
        began = time.perf_counter()
        until = asyncio.get_running_loop().time() + self._service.deadline
        outcome = "away"
        try:
            await self._turn()
            try:
                async with asyncio.timeout_at(until):
                    response = await self._attempts(request)
                try:
                    answer = bounded(response, self._service.answer_limit, until, self._end_turn)
                except ServiceAway:
                    await response.aclose()
                    raise
            except BaseException:
                self._end_turn()
                raise
            outcome = f"{answer.status_code // 100}xx"
            return answer
        except (TimeoutError, httpx2.TimeoutException) as error:
            outcome = "late"
            if isinstance(error, ServiceLate):
                raise
            raise ServiceLate(f"The service {self._name} took too long.") from error
        except ServiceAway:
            raise
        except httpx2.TransportError as error:
            raise ServiceAway(
                f"The service {self._name} cannot be reached.", fix=f"{type(error).__name__}: {error}"
            ) from error
        except asyncio.CancelledError:
            outcome = "given_up"
            raise
        finally:
            self.figures.ended(outcome, time.perf_counter() - began)

    async def aclose(self) -> None:
        await self._wire.aclose()

    async def _attempts(self, request: httpx2.Request) -> httpx2.Response:
        attempt = 0
        while True:
            answer: httpx2.Response | None = None
            last = attempt >= self._service.retries
            try:
                answer = await self._wire.handle_async_request(request)
            except httpx2.TransportError as error:
                if last or not repeats_error(request, error):
                    raise
                why = type(error).__name__
            else:
                if last or not repeats_answer(request, answer.status_code):
                    return answer
                why = str(answer.status_code)
            seconds = pause(self._service, attempt, answer, self._clock.now())
            if answer is not None:
                if seconds is None:
                    return answer
                await answer.aclose()
            LOGGER.info("A call is made again.", extra={"service": self._name, "why": why, "attempt": attempt + 1})
            self.figures.retries += 1
            await asyncio.sleep(seconds or 0.0)
            attempt += 1

    async def _turn(self) -> None:
        try:
            async with asyncio.timeout(self._service.wait):
                await self._turns.acquire()
        except TimeoutError:
            raise ServiceLate(f"Too many calls to the service {self._name} are in flight.") from None
        self.figures.in_flight += 1

    def _end_turn(self) -> None:
        self.figures.in_flight -= 1
        self._turns.release()

    def _stay_home(self, url: httpx2.URL) -> None:
        """A path that was put together from what a caller sent may not lead to another host, or out of the base."""
        base = self._home.raw_path.partition(b"?")[0].rstrip(b"/")
        path = url.raw_path.partition(b"?")[0]
        # As the most generous of servers would read it.
        read = path.lower().replace(b"%2e", b".").replace(b"%2f", b"/").replace(b"%5c", b"/").replace(b"\\", b"/")
        steps = read.split(b"/")
        inside = (path == base or path.startswith(base + b"/")) and not {b"..", b"."} & set(steps)
        if url.origin != self._home.origin or url.userinfo or not inside:
            raise ServiceAway(
                f"The service {self._name} was not called: the address is not one of its own.",
                fix=f"Name paths below {self._home.copy_with(query=None)}, and quote what callers send:"
                " urllib.parse.quote(it, safe='').",
            )


def mark(headers: httpx2.Headers, carry: Carry | None) -> None:
    """Name the request that this call is made for, and its trace; what the caller of the client set is left."""
    caller = current_caller()
    if caller is not None and "x-request-id" not in headers:
        headers["X-Request-ID"] = caller.request_id
    if carry is not None and "traceparent" not in headers:
        found: MutableMapping[str, str] = {}
        carry(found)
        headers.update(found)
