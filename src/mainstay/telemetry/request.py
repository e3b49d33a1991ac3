"""The request in progress, for log lines and spans; and what is done at both ends of every request."""

from bisect import bisect_left

from mainstay.base.context import current_request as _current_request
from mainstay.base.context import request_in_progress
from mainstay.base.ports import HttpScope, Origin
from mainstay.telemetry.metrics.requests import RequestFigures
from mainstay.telemetry.ports import Tracer

_STATE = "mainstay.telemetry"


def current_request() -> HttpScope | None:
    """The ASGI scope of the request in progress, or None outside any."""
    return _current_request()


class RequestObserver:
    """A `base.ports.Observer`: makes the request known to log lines, counts it, traces it."""

    def __init__(self, figures: RequestFigures | None) -> None:
        self._figures = figures
        self.tracer: Tracer | None = None
        self.origin: Origin | None = None

    def started(self, scope: HttpScope) -> None:
        """The first thing that is done for a request."""
        token = request_in_progress.set(scope)
        if self._figures is not None:
            self._figures.in_flight += 1
        if self.origin is not None:
            scope["mainstay.origin"] = self.origin
        tracer = self.tracer
        if tracer is not None:
            tracer.started(scope)
        scope[_STATE] = (token, tracer)

    def finished(self, scope: HttpScope, status: int, seconds: float) -> None:
        """The last thing; to be called in the same task."""
        token, tracer = scope.pop(_STATE)
        if tracer is not None:
            tracer.finished(scope, status)
        figures = self._figures
        if figures is not None:
            figures.in_flight -= 1
            series = figures.known.get((scope["method"], scope.get("mainstay.route"), status))
            if series is None:
                series = figures.series(scope, status)
            series.seconds += seconds
            series.counts[bisect_left(figures.bounds, seconds)] += 1
        try:
            request_in_progress.reset(token)
        except ValueError:
            # A request that was given up is ended by whoever collects it, in another context.
            return
