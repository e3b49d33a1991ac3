"""The room as its users hold it: logs, figures and traces of one process, opened and closed together."""

import asyncio
import contextlib
import logging
import os
import sys
from collections.abc import AsyncIterator, MutableMapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from mainstay.base.errors import ConfigurationError
from mainstay.telemetry.logs.process_logs import ProcessLogs
from mainstay.telemetry.logs.slow_statements import SlowStatements, statement_name
from mainstay.telemetry.metrics.families import Family, exposition
from mainstay.telemetry.metrics.listener import Listener
from mainstay.telemetry.metrics.machine import Machine
from mainstay.telemetry.metrics.metrics import Metrics
from mainstay.telemetry.metrics.shared import SharedFigures
from mainstay.telemetry.options import TelemetryOptions, TraceOptions
from mainstay.telemetry.ports import LookAsync, Sink, Tracer
from mainstay.telemetry.request import RequestObserver
from mainstay.web import AccessLog

log = logging.getLogger("mainstay.telemetry")
PUBLISH_SECONDS = 2.0
LOOK_SECONDS = 2.0


class Telemetry:
    """Making it opens nothing, but refuses levels that are none: ConfigurationError.

    `observer` sees both ends of every request (`base.ports.Observer`), `access_log` writes its line. `watched` is for
    whoever runs statements; `metrics` takes figures of your own.
    """

    def __init__(self, options: TelemetryOptions | None = None, *, stream: Sink | None = None) -> None:
        self.options = options = options or TelemetryOptions()
        self.metrics = Metrics()
        self.logs = ProcessLogs(options.logs, stream)
        self.access_log = AccessLog(options.logs.form, write=self.logs.write)
        self.tracer: Tracer | None = None
        self.observer = RequestObserver(self.metrics.requests if options.metrics.on else None)
        self._slow = SlowStatements(
            self.metrics.counter(
                "mainstay_database_slow_statements_total", "Statements that took too long.", ["statement"]
            )
        )
        file = options.logs.file
        self._places: dict[str, Path] = {} if file is None else {"log": file.parent}
        self._looks: list[LookAsync] = []
        self._shared = None if options.metrics.folder is None else SharedFigures(options.metrics.folder)
        self.listener: Listener | None = None
        self._opened = AsyncExitStack()
        if options.metrics.on:
            self.metrics.look(Machine(self.metrics, self._places).look)
            self.metrics.source(_of_prometheus_client)

    def place(self, name: str, folder: Path) -> None:
        """Tell how much room is left on the disk of this folder."""
        self._places[name] = folder

    def look(self, look: LookAsync) -> None:
        """Await this before figures are told to whoever asks: for gauges that are the same seen from any process."""
        self._looks.append(look)

    # Statements: what `storage.StatementWatch` asks for

    @property
    def slow(self) -> float:
        """Seconds from which on a statement is told of, whoever it is for."""
        return float("inf") if self.options.slow_statement is None else self.options.slow_statement

    def follows(self) -> bool:
        """Whether every statement of the work in progress is told of: its request is traced."""
        return self.tracer is not None and self.tracer.follows()

    def carry(self, headers: MutableMapping[str, str]) -> None:
        """Add the headers that make a call to another program part of the trace of the work in progress."""
        if self.tracer is not None:
            self.tracer.carry(headers)

    def ran(self, what: str, system: str, seconds: float, *, planned: bool) -> None:
        """A statement ended just now. `what` is its text, which is told further only where it is `planned`: such a
        text holds no values."""
        name = statement_name(what)
        text = what if planned else None
        if seconds >= self.slow:
            self._slow.tell(name, text, system, seconds)
        if self.tracer is not None and self.tracer.follows():
            self.tracer.statement(name, text, system, seconds)

    def wrote(self, name: str, system: str, seconds: float) -> None:
        """A transaction of planned statements ended just now: waiting for its turn, its statements and its commit."""
        name = f"transaction {name}"
        if seconds >= self.slow:
            self._slow.tell(name, None, system, seconds)
        if self.tracer is not None and self.tracer.follows():
            self.tracer.statement(name, None, system, seconds)

    # Opening and closing

    async def open(self) -> None:
        """Take over logging, share figures, listen. Raises ConfigurationError with what to do."""
        async with AsyncExitStack() as opened:
            opened.callback(self.logs.close)
            self.logs.open()
            if self.options.trace is not None:
                self.tracer = self.observer.tracer = _tracer(self.options.trace)
                opened.push_async_callback(self._end_traces, self.tracer)
            opened.callback(self.access_log.flush)
            metrics = self.options.metrics
            if metrics.on and self._shared is not None:
                shared = self._shared
                shared.open()
                opened.callback(lambda: shared.close(self.metrics.families()))
                await _every(opened, self._publish)
            if metrics.on and metrics.port is not None:
                await self._listen(opened, metrics.host, metrics.port)
            self._opened = opened.pop_all()

    async def close(self) -> None:
        """Write what waits, let go of everything. Calling it twice is harmless."""
        await self._opened.aclose()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Open, for as long as the block lasts."""
        await self.open()
        try:
            yield
        finally:
            await self.close()

    async def families(self) -> list[Family]:
        """All figures, of all processes that share them."""
        for look in self._looks:
            try:
                async with asyncio.timeout(LOOK_SECONDS):
                    await look()
            except Exception as error:  # a part that is away costs its own figures only
                log.warning("figures could not be looked at: %s", type(error).__name__)
        own = self.metrics.families()
        return own if self._shared is None else await asyncio.to_thread(self._shared.gathered, own)

    async def exposition(self) -> bytes:
        """The same in Prometheus' text format 0.0.4."""
        return exposition(await self.families())

    async def _end_traces(self, tracer: Tracer) -> None:
        self.tracer = self.observer.tracer = None
        await asyncio.to_thread(tracer.close)

    async def _publish(self) -> None:
        if self._shared is not None:
            try:
                self._shared.publish(self.metrics.families())
            except OSError as error:
                log.warning("figures could not be shared: %s", error.strerror)

    async def _listen(self, opened: AsyncExitStack, host: str, port: int) -> None:
        listener = self.listener = Listener(host, port, self.exposition)
        opened.push_async_callback(listener.close)
        if self._shared is None:
            await listener.open()
            return
        shared, held = self._shared, None
        held = shared.take("listener")
        if held is not None:
            opened.callback(os.close, held)
            await listener.open()
            return

        # Another worker listens, and answers for this one. Should it end, one of the others takes its place.
        async def inherit() -> None:
            nonlocal held
            if held is None and (held := shared.take("listener")) is not None:
                opened_later.callback(os.close, held)
                await listener.open()

        opened_later = opened.enter_context(contextlib.ExitStack())
        await _every(opened, inherit)


async def _every(opened: AsyncExitStack, work: LookAsync) -> None:
    async def run() -> None:
        while True:
            try:
                await work()
            except ConfigurationError as error:
                log.warning("%s %s", error.what, error.fix)
            await asyncio.sleep(PUBLISH_SECONDS)

    task = asyncio.create_task(run(), name="mainstay-telemetry")

    async def stop() -> None:
        task.cancel()
        await asyncio.wait([task])

    opened.push_async_callback(stop)


def _tracer(options: TraceOptions) -> Tracer:
    try:
        # Lazy: the SDK is an extra.
        from mainstay.telemetry.engines.otel import OpenTelemetry  # noqa: PLC0415  an extra
    except ModuleNotFoundError as missing:
        if not (missing.name or "").startswith("opentelemetry"):
            raise
        raise ConfigurationError(
            "MAINSTAY_TRACE_RATIO asks for traces, but OpenTelemetry's SDK is not installed.",
            fix="pip install 'mainstay[otel]', or remove MAINSTAY_TRACE_RATIO.",
        ) from None
    return OpenTelemetry(options)


def _of_prometheus_client() -> Sequence[Family]:
    # Whoever keeps figures with it has imported it; nobody else pays for that.
    if "prometheus_client" not in sys.modules:
        return ()
    from mainstay.telemetry.engines.prometheus import families_of  # noqa: PLC0415  an extra

    return families_of()
