"""What can be set about calls to other programs. Values come from assembly; the environment is never read here."""

from dataclasses import dataclass, field

from mainstay.base.secret import Secret


@dataclass(frozen=True, slots=True)
class TokenOptions:
    """Where a service's access tokens come from: the client-credentials grant (RFC 6749 §4.4).

    `authentication` says how the client proves itself at the issuer: in a Basic header (RFC 6749 §2.3.1), or in the
    form. Entra ID wants `scope="https://graph.microsoft.com/.default"`; others may want `audience` or `resource`.
    """

    token_url: str
    client_id: str
    client_secret: Secret = field(repr=False)
    scope: str = ""
    audience: str = ""
    resource: str = ""
    authentication: str = "basic"
    # A token is renewed when it has this many seconds left, so that none expires on its way.
    margin: float = 60.0


@dataclass(frozen=True, slots=True)
class ServiceOptions:
    """One service that the app calls: where it is, how long it may take, what is tried again.

    Times are seconds, sizes bytes. `deadline` bounds a call with all its attempts; the others bound one attempt.
    Attempts after the first are made where a request may be repeated (RFC 9110 §9.2.2) or was never sent.
    """

    base_url: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    bearer: Secret | None = None
    token: TokenOptions | None = None
    connect_timeout: float = 5.0
    timeout: float = 10.0
    deadline: float = 30.0
    retries: int = 2
    backoff: float = 0.1
    longest_backoff: float = 5.0
    # Calls in flight at once, and how long one more waits for its turn.
    concurrency: int = 50
    wait: float = 5.0
    answer_limit: int = 10 * 1024 * 1024
    proxy: str | None = None
    # A path that /health asks; without one it says nothing of this service.
    health: str | None = None


@dataclass(frozen=True, slots=True)
class FetchOptions:
    """What may be fetched from addresses that strangers gave.

    `http` admits clear text too; `networks` opens private networks, as `10.1.0.0/16`, and nothing else does.
    """

    http: bool = False
    ports: frozenset[int] = frozenset({80, 443})
    networks: tuple[str, ...] = ()
    redirects: int = 3
    connect_timeout: float = 5.0
    deadline: float = 10.0
    answer_limit: int = 1024 * 1024
