"""Traces by OpenTelemetry: sampled before any span is made, sent by OTLP as the standard OTEL_* variables say."""

import random
import time
from collections.abc import Mapping, MutableMapping, Sequence
from contextvars import ContextVar, Token
from threading import Thread
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context, attach, detach
from opentelemetry.propagate import inject
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanLimits, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter, SpanExporter
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ParentBased, Sampler, SamplingResult, TraceIdRatioBased
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState
from opentelemetry.trace import Span as AnySpan

from mainstay.base.errors import ConfigurationError
from mainstay.base.ids import request_id as fresh_trace_id
from mainstay.base.ports import HttpScope
from mainstay.base.route import route_of
from mainstay.telemetry.metrics.requests import METHODS
from mainstay.telemetry.options import TraceOptions
from mainstay.telemetry.traces.traceparent import Parent, is_trace_id, parent_of

SAMPLED, NOT_SAMPLED = TraceFlags(TraceFlags.SAMPLED), TraceFlags(TraceFlags.DEFAULT)
SYSTEMS = {"sqlite": "sqlite", "postgresql": "postgresql"}
_STATE = "mainstay.span"

# The id that the trace begun in this very call shall have.
_chosen: ContextVar[int | None] = ContextVar("mainstay_trace_id", default=None)
# Whether the work in progress belongs to a sampled request.
_sampled: ContextVar[bool] = ContextVar("mainstay_sampled", default=False)
Tokens = tuple[Token[Context], Token[bool] | None, AnySpan | None]


class OpenTelemetry:
    """A `telemetry.ports.Tracer`.

    Where the process has a tracer provider of the user's, spans go to it and nothing is set up. Else ours becomes the
    process's, so that the user's own spans and instrumentations join the traces of requests.
    """

    def __init__(self, options: TraceOptions) -> None:
        self._ratio, self._most_followed = options.ratio, options.followed
        self._last_seconds = options.last_seconds
        self._second, self._followed = 0, 0
        self._ours: _Provider | None = None
        found = trace.get_tracer_provider()
        if isinstance(found, trace.ProxyTracerProvider):
            found = _Provider(options)
            trace.set_tracer_provider(found)
        if isinstance(found, _Provider) and found.begin(options):
            self._ours = found
        self._tracer = found.get_tracer("mainstay", options.version or None)

    def started(self, scope: HttpScope) -> None:
        """Decide, and leave the trace's id in the scope; a request that isn't sampled gets no span of the SDK."""
        parent = parent_of(scope["headers"])
        if parent is None:
            own = scope.get("mainstay.request_id", "")
            trace_id = own if is_trace_id(own) else fresh_trace_id()
            sampled = random.random() < self._ratio  # noqa: S311  a share, not a secret
        else:
            trace_id, sampled = parent.trace_id, parent.sampled and self._may_follow()
        scope["mainstay.trace_id"] = trace_id
        if sampled:
            scope[_STATE] = self._begun(scope, trace_id, parent)
        else:
            span = _Unsampled(trace_id)
            scope[_STATE] = (attach(Context({_SPAN_KEY: span})), None, None)

    def finished(self, scope: HttpScope, status: int) -> None:
        """End the span, if there is one."""
        context, flag, span = scope.pop(_STATE)
        try:
            if span is not None:
                _close(span, scope, status)
        finally:
            detach(context)
            if flag is not None:
                _reset(flag)

    def follows(self) -> bool:
        """Whether the work in progress belongs to a sampled request."""
        return _sampled.get()

    def carry(self, headers: MutableMapping[str, str]) -> None:
        """In the form that is configured for this process: W3C Trace Context unless told otherwise."""
        inject(headers)

    def statement(self, name: str, sql: str | None, system: str, seconds: float) -> None:
        """A span that ended now; below the user's own span where one is open."""
        end = time.time_ns()
        attributes = {"db.system.name": SYSTEMS.get(system, system), "db.query.summary": name}
        if sql is not None:
            attributes["db.query.text"] = sql[:4000]
        span = self._tracer.start_span(
            name, kind=SpanKind.CLIENT, attributes=attributes, start_time=end - int(seconds * 1e9)
        )
        span.end(end)

    def close(self) -> None:
        """Send what waits, within `last_seconds`: a receiver that is away is not waited for longer."""
        if self._ours is not None:
            last = Thread(target=self._ours.end, name="mainstay-last-spans", daemon=True)
            last.start()
            last.join(self._last_seconds)

    def _may_follow(self) -> bool:
        second = int(time.monotonic())
        if second != self._second:
            self._second, self._followed = second, 0
        self._followed += 1
        return self._followed <= self._most_followed

    def _begun(self, scope: HttpScope, trace_id: str, parent: Parent | None) -> Tokens:
        context, chosen = Context(), None
        if parent is None:
            chosen = _chosen.set(int(trace_id, 16))
        else:
            state = TraceState.from_header([parent.state]) if parent.state else None
            above = SpanContext(int(trace_id, 16), int(parent.span_id, 16), True, SAMPLED, state)
            context = trace.set_span_in_context(NonRecordingSpan(above), context)
        method = scope["method"] if scope["method"] in METHODS else "HTTP"
        attributes: dict[str, Any] = {
            "http.request.method": scope["method"] if method != "HTTP" else "_OTHER",
            "url.scheme": scope.get("scheme", "http"),
            "url.path": scope["path"][:512].encode("utf-8", "replace").decode(),
            "mainstay.request_id": scope.get("mainstay.request_id", ""),
        }
        span = self._tracer.start_span(method, context, SpanKind.SERVER, attributes)
        if chosen is not None:
            _chosen.reset(chosen)
        made = span.get_span_context()
        if made.trace_id:
            # A provider of the user's draws its own.
            scope["mainstay.trace_id"] = trace.format_trace_id(made.trace_id)
        return attach(trace.set_span_in_context(span, context)), _sampled.set(span.is_recording()), span


def _close(span: AnySpan, scope: HttpScope, status: int) -> None:
    route = route_of(scope)
    if route:
        span.update_name(f"{scope['method'] if scope['method'] in METHODS else 'HTTP'} {route}")
        span.set_attribute("http.route", route)
    if status:
        span.set_attribute("http.response.status_code", status)
    caller = scope.get("mainstay.caller")
    if caller is not None:
        if caller.actor.key:
            span.set_attribute("user.id", caller.actor.key)
        if caller.scope is not None:
            span.set_attribute("mainstay.tenant", caller.scope.key)
    error = scope.get("mainstay.error")
    if error is not None or status >= 500:
        span.set_attribute("error.type", type(error).__qualname__ if error is not None else str(status))
        span.set_status(Status(StatusCode.ERROR))
    span.end()


def _reset(flag: Token[bool]) -> None:
    try:
        _sampled.reset(flag)
    except ValueError:
        # A request that was given up is ended by whoever collects it, in another context.
        return


class _Unsampled(NonRecordingSpan):
    """What stands for the span of a request that is not sampled: its ids are made when somebody asks for them."""

    def __init__(self, trace_id: str) -> None:
        self._trace_id = trace_id
        self._made: SpanContext | None = None

    def get_span_context(self) -> SpanContext:
        if self._made is None:
            span_id = RandomIdGenerator().generate_span_id()
            self._made = SpanContext(int(self._trace_id, 16), span_id, False, NOT_SAMPLED)
        return self._made

    def __repr__(self) -> str:
        return f"Unsampled({self._trace_id})"


def _key_of_spans() -> str:
    # The API names the key only to itself; this asks it once, instead of having it copy a context for each request.
    (key,) = trace.set_span_in_context(trace.INVALID_SPAN, Context())
    return key


_SPAN_KEY = _key_of_spans()


class _Ids(RandomIdGenerator):
    """Gives a request's trace the id that its log lines carry."""

    def generate_trace_id(self) -> int:
        return _chosen.get() or super().generate_trace_id()


class _Root(Sampler):
    """Samples what was decided on already, and of what is begun outside requests the same share."""

    def __init__(self) -> None:
        self.share = TraceIdRatioBased(0.0)
        self._all = TraceIdRatioBased(1.0)

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Mapping[str, Any] | None = None,
        links: Sequence[Any] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        sampler = self.share if _chosen.get() is None else self._all
        return sampler.should_sample(parent_context, trace_id, name, kind, attributes, links)

    def get_description(self) -> str:
        return f"Mainstay{{{self.share.get_description()}}}"


class _Exchangeable(SpanProcessor):
    """Hands spans to another processor, as long as there is one."""

    def __init__(self) -> None:
        self.inner: SpanProcessor | None = None

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        if self.inner is not None:
            self.inner.on_start(span, parent_context)

    def on_end(self, span: ReadableSpan) -> None:
        if self.inner is not None:
            self.inner.on_end(span)

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self.inner is None or self.inner.force_flush(timeout_millis)


class _Provider(TracerProvider):
    """The process's, once it is set: it cannot be set again, so an app that starts a second time takes it up again."""

    def __init__(self, options: TraceOptions) -> None:
        named = Resource.create({})
        if str(named.attributes.get("service.name", "")).startswith("unknown_service"):
            named = named.merge(Resource({"service.name": options.service}))
        self._root, self._exchangeable, self._begun = _Root(), _Exchangeable(), False
        super().__init__(
            sampler=ParentBased(self._root),
            resource=named,
            id_generator=_Ids(),
            span_limits=SpanLimits(max_attribute_length=4096),
            shutdown_on_exit=False,
        )
        self.add_span_processor(self._exchangeable)

    def begin(self, options: TraceOptions) -> bool:
        """Export from now on; False where another app in this process has spans exported already."""
        if self._begun:
            return False
        exporter = _exporter(options)
        self._exchangeable.inner = None if exporter is None else BatchSpanProcessor(exporter)
        self._root.share = TraceIdRatioBased(options.ratio)
        self._begun = True
        return True

    def end(self) -> None:
        """Send what waits, and export no more. Blocks."""
        inner, self._exchangeable.inner = self._exchangeable.inner, None
        self._root.share = TraceIdRatioBased(0.0)
        self._begun = False
        if inner is not None:
            inner.shutdown()


def _exporter(options: TraceOptions) -> SpanExporter | None:
    if options.exporter == "none":
        return None
    if options.exporter == "console":
        return ConsoleSpanExporter()
    if options.exporter != "otlp":
        raise ConfigurationError(
            f"OTEL_TRACES_EXPORTER names {options.exporter}, which is not here.", fix="Use otlp, console or none."
        )
    if options.protocol == "http/protobuf":
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415  an extra

        return OTLPSpanExporter()
    try:
        # The gRPC exporter brings a large driver; whoever wants it installs it.
        from opentelemetry.exporter.otlp.proto.grpc import (  # type: ignore[import-not-found, unused-ignore]  # not ours to install  # noqa: PLC0415  an extra
            trace_exporter,
        )
    except ImportError:
        raise ConfigurationError(
            f"OTEL_EXPORTER_OTLP_PROTOCOL is {options.protocol}, whose exporter is not installed.",
            fix="Remove it to send http/protobuf, or pip install opentelemetry-exporter-otlp-proto-grpc.",
        ) from None
    found: SpanExporter = trace_exporter.OTLPSpanExporter()
    return found
