"""A limit by name, with all that can be made of it before a request comes."""

from mainstay.limits.rate import Rate

# A lease holds at most this part of a budget, so that what several processes hold unspent stays about 1%; or, where
# units come back quickly, what comes back in so many seconds, up to a larger part.
SHARES, QUICK, QUICK_SHARES = 256, 0.02, 16
Header = tuple[bytes, bytes]


class Policy:
    """A named rate: `free`, `tenant`, `POST /reports`. Its headers are draft-ietf-httpapi-ratelimit-headers-11."""

    __slots__ = ("advert", "interval", "limit", "name", "rate", "ratelimit", "share", "signature", "tolerance")

    def __init__(self, name: str, rate: Rate) -> None:
        self.name = name
        self.rate = rate
        self.interval = rate.interval
        # Each request adds a rounding error; this covers more of them than a budget has units.
        self.tolerance = rate.interval * rate.most + min(rate.interval / 1000, 0.01)
        self.share = max(1, rate.most // SHARES, min(rate.most // QUICK_SHARES, int(QUICK / rate.interval)))
        # Different rates are different budgets, also under one name.
        self.signature = f"{name}:{rate.limit}/{rate.seconds}/{rate.most}"
        # A String of RFC 8941 §3.3.3.
        quoted = '"' + name.replace("\\", "\\\\").replace('"', '\\"').encode("ascii", "replace").decode() + '"'
        self.advert: Header = (b"ratelimit-policy", f"{quoted};q={rate.limit};w={rate.seconds}".encode())
        self.ratelimit = quoted.replace("%", "%%").encode() + b";r=%d;t=%d"
        self.limit: Header = (b"x-ratelimit-limit", b"%d" % rate.limit)
