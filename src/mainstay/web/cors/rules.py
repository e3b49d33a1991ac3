"""What pages of which origins may do, as rules: the operator's, and one for each tenant that has its own."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

from mainstay.base.errors import ConfigurationError

ANY = "*"
_LABEL = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_PORT = r"(?::[0-9]{1,5})?"
# Of addresses in brackets only this machine's: what else fits between brackets and is none, no pattern tells.
_HOST = rf"(?:{_LABEL}(?:\.{_LABEL})*|\[::1\])"
ONE_ORIGIN = rf"^https?://(?:\*\.{_LABEL}(?:\.{_LABEL})+|{_HOST}){_PORT}$"
ORIGIN = rf"^(?:\*|{ONE_ORIGIN[1:-1]})$"
HEADER_NAME = r"^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$"
Method = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
METHODS: tuple[Method, ...] = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
HEADERS = (
    *("Authorization", "Content-Type", "Idempotency-Key", "If-Match", "If-None-Match", "Prefer"),
    *("X-Request-ID", "X-Tenant-ID", "X-CSRF-Token", "traceparent", "tracestate"),
)
EXPOSED = (
    *("ETag", "Location", "Link", "Retry-After", "Content-Disposition", "Preference-Applied", "WWW-Authenticate"),
    *("RateLimit", "RateLimit-Policy", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"),
    "X-Request-ID",
)
# Pages that this machine serves, on any port.
_LOCAL = re.compile(rf"https?://(?:(?:[a-z0-9.-]+\.)?localhost|127\.0\.0\.1|\[::1\]){_PORT}")
_ORIGIN, _HEADER, _METHOD = re.compile(ORIGIN), re.compile(HEADER_NAME), re.compile(r"[A-Z]{1,20}")
LONGEST = 300
_DEFAULT_PORT = {"http": ":80", "https": ":443"}
Header = tuple[bytes, bytes]


@dataclass(frozen=True, slots=True)
class CorsRule:
    """What pages of these origins may do. `*` among the headers allows whatever is asked for.

    An origin is `https://shop.example`, `https://*.shop.example` for all names below it, or `*`. `local` adds every
    page that this very machine serves. With `credentials` browsers send cookies. `max_age` is in seconds. Raises
    ConfigurationError for what is no origin, and for `*` with credentials: every page could act as whoever reads it.
    """

    origins: tuple[str, ...] = ()
    methods: tuple[str, ...] = METHODS
    headers: tuple[str, ...] = HEADERS
    exposed: tuple[str, ...] = EXPOSED
    credentials: bool = False
    max_age: int = 600
    local: bool = False
    _exact: frozenset[str] = field(init=False, repr=False, compare=False)
    _patterns: tuple[re.Pattern[str], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        origins = tuple(_normal(each) for each in self.origins)
        if self.credentials and ANY in (*origins, *self.exposed):
            raise ConfigurationError(
                "CORS for every origin (*) with credentials would let any page act as whoever reads it.",
                fix="Name the origins and the headers that are exposed, or leave credentials out.",
            )
        for given, pattern, what in (
            *((each, _METHOD, "a method") for each in self.methods),
            *((each, _HEADER, "a header's name") for each in (*self.headers, *self.exposed)),
        ):
            if not pattern.fullmatch(given):
                raise ConfigurationError(f"{given[:60]!r} is not {what}.", fix="Write GET, or X-Request-ID.")
        wild = [each for each in origins if ANY in each and each != ANY]
        patterns = [re.compile(re.escape(each).replace(r"\*", "[a-z0-9.-]+")) for each in wild]
        object.__setattr__(self, "origins", origins)
        object.__setattr__(self, "_exact", frozenset(origins).difference(wild))
        object.__setattr__(self, "_patterns", (*patterns, *([_LOCAL] if self.local else ())))

    @property
    def everybody(self) -> bool:
        return ANY in self._exact

    def allows(self, origin: str) -> bool:
        """Whether this origin, as a browser writes it, is one of the rule's."""
        if origin in self._exact or self.everybody:
            return True
        return len(origin) <= LONGEST and any(each.fullmatch(origin) for each in self._patterns)

    def marks(self, origin: str) -> list[Header]:
        """The headers that let a page of this origin read an answer."""
        found = self._who(origin)
        if self.exposed:
            found.append((b"access-control-expose-headers", ", ".join(self.exposed).encode()))
        return found

    def permissions(self, origin: str, wanted: bytes) -> list[Header]:
        """The headers that answer a preflight in which these request headers were asked for."""
        headers = wanted if ANY in self.headers else ", ".join(self.headers).encode()
        return [
            *self._who(origin),
            (b"access-control-allow-methods", ", ".join(self.methods).encode()),
            *([(b"access-control-allow-headers", headers)] if headers else []),
            (b"access-control-max-age", b"%d" % self.max_age),
        ]

    def _who(self, origin: str) -> list[Header]:
        if self.credentials:
            return [
                (b"access-control-allow-origin", origin.encode("latin-1")),
                (b"access-control-allow-credentials", b"true"),
            ]
        return [(b"access-control-allow-origin", b"*" if self.everybody else origin.encode("latin-1"))]


class CorsRules:
    """All rules of an app. What the operator says of an origin holds; a tenant's rule adds origins for its own callers.

    Tenants' rules never carry credentials: one tenant's pages would come with the cookies of another's users.
    """

    def __init__(self, default: CorsRule | None = None, clients: Mapping[str, CorsRule] | None = None) -> None:
        self.default = default
        self.clients: dict[str, CorsRule] = dict(clients or {})
        self.tenants: dict[UUID, CorsRule] = {}
        # By origin as it was written, and what all tenants who wrote it allow, made when first asked for.
        self._listed: dict[str, set[UUID]] = {}
        self._merged: dict[str, CorsRule] = {}
        self._look()

    def set_client(self, name: str, rule: CorsRule | None) -> None:
        """Say what the pages of one client may do; None takes it back."""
        if rule is None:
            self.clients.pop(name, None)
        else:
            self.clients[name] = rule
        self._look()

    def set_tenant(self, tenant_id: UUID, rule: CorsRule | None) -> None:
        """Say what pages may do with answers for callers in one tenant. Raises ValueError for credentials."""
        if rule is not None and rule.credentials:
            raise ValueError("a tenant's rule carries no credentials")
        before = self.tenants.pop(tenant_id, None)
        for origin in () if before is None else before.origins:
            self._merged.pop(origin, None)
            self._listed[origin].discard(tenant_id)
            if not self._listed[origin]:
                del self._listed[origin]
        if rule is not None:
            self.tenants[tenant_id] = rule
            for origin in rule.origins:
                self._merged.pop(origin, None)
                self._listed.setdefault(origin, set()).add(tenant_id)
        self._look()

    def of_operator(self, origin: str) -> CorsRule | None:
        """The rule of the client that has this origin, else the default one if it allows it."""
        for rule in self.clients.values():
            if rule.allows(origin):
                return rule
        return self.default if self.default is not None and self.default.allows(origin) else None

    def of_tenant(self, tenant_id: UUID, origin: str) -> CorsRule | None:
        """The rule of this tenant if it allows the origin."""
        rule = self.tenants.get(tenant_id)
        return rule if rule is not None and rule.allows(origin) else None

    def of_any_tenant(self, origin: str) -> CorsRule | None:
        """What tenants allow this origin, all in one: for requests that do not say yet which tenant they are for."""
        if not self._listed or len(origin) > LONGEST:
            return None
        rules = [self._of_listed(each) for each in (origin, ANY, *_wider(origin)) if each in self._listed]
        found = [rule for rule in rules if rule.allows(origin)]
        return _merge(origin, found) if len(found) > 1 else found[0] if found else None

    def _of_listed(self, listed: str) -> CorsRule:
        if listed not in self._merged:
            self._merged[listed] = _merge(listed, [self.tenants[each] for each in self._listed[listed]])
        return self._merged[listed]

    def _look(self) -> None:
        # Read on every request, hence kept.
        self.any = self.default is not None or bool(self.clients) or bool(self.tenants)


def _merge(origin: str, rules: list[CorsRule]) -> CorsRule:
    return CorsRule(
        (origin,),
        tuple(sorted({each for rule in rules for each in rule.methods})),
        tuple(sorted({each for rule in rules for each in rule.headers})),
        tuple(sorted({each for rule in rules for each in rule.exposed})),
        max_age=min(rule.max_age for rule in rules),
    )


def _wider(origin: str) -> list[str]:
    """`https://*.shop.example` and `https://*.example` for `https://a.shop.example`."""
    scheme, _, host = origin.partition("://")
    labels = host.split(".")
    return [f"{scheme}://*.{'.'.join(labels[start:])}" for start in range(1, len(labels))]


def _normal(origin: str) -> str:
    folded = origin.strip().lower().rstrip("/")
    # Browsers leave out the port that the scheme implies.
    folded = folded.removesuffix(_DEFAULT_PORT.get(folded.partition("://")[0], "\0"))
    if not _ORIGIN.fullmatch(folded):
        raise ConfigurationError(
            f"{origin[:80]!r} is not an origin.", fix="Write scheme, host and port: https://shop.example, or *."
        )
    return folded
