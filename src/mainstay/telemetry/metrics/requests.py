"""Requests by method, template of the route, and status: counted in plain objects, told when they are asked for."""

from mainstay.base.ports import HttpScope
from mainstay.base.route import route_of
from mainstay.telemetry.metrics.families import Family, Sample

BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})
UNMATCHED, OTHER = "unmatched", "other"
CLIENT_CLOSED_REQUEST = 499
# Templates are the app's own and few; this bounds what an app that makes routes as it runs could do to Prometheus.
MOST_ROUTES = 1000


class Series:
    """One line of the table: how many requests fell between which bounds, and the seconds they took together."""

    __slots__ = ("counts", "labels", "seconds")

    def __init__(self, labels: tuple[str, str, str]) -> None:
        self.labels = labels
        self.seconds = 0.0
        self.counts = [0] * (len(BOUNDS) + 1)


class RequestFigures:
    """What is known of requests. `known` is keyed as requests come: method, `mainstay.route`, status."""

    bounds = BOUNDS

    def __init__(self) -> None:
        self.in_flight = 0
        self.known: dict[tuple[str, str | None, int], Series] = {}
        self._all: dict[tuple[str, str, str], Series] = {}
        self._routes: set[str] = {UNMATCHED, OTHER}

    def series(self, scope: HttpScope, status: int) -> Series:
        """The line for this request, when it isn't known by its key yet."""
        given = scope.get("mainstay.route")
        route = route_of(scope) or UNMATCHED
        method = scope["method"] if scope["method"] in METHODS else OTHER
        if route not in self._routes:
            if len(self._routes) >= MOST_ROUTES:
                route = OTHER
            self._routes.add(route)
        labels = (method, route, str(status or CLIENT_CLOSED_REQUEST))
        series = self._all.get(labels)
        if series is None:
            series = self._all[labels] = Series(labels)
        # Without a given template the key says nothing about the route, and a strange method could fill the table.
        if given is not None and route != OTHER and method != OTHER:
            self.known[scope["method"], given, status] = series
        return series

    def families(self) -> list[Family]:
        """The figures as they are now."""
        labels = ("method", "route", "status")
        total, seconds = [], []
        for series in list(self._all.values()):
            counts = list(series.counts)
            total.append(Sample(series.labels, float(sum(counts))))
            seconds.append(Sample(series.labels, series.seconds, counts))
        return [
            Family("mainstay_http_requests_total", "counter", "Requests answered.", labels, total),
            Family(
                "mainstay_http_request_duration_seconds",
                "histogram",
                "From the first byte of a request to the end of its answer.",
                labels,
                seconds,
                bounds=BOUNDS,
            ),
            Family(
                "mainstay_http_requests_in_flight",
                "gauge",
                "Requests being answered.",
                (),
                [Sample((), float(self.in_flight))],
            ),
        ]
