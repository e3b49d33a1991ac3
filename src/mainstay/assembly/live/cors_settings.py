"""Which pages may call from a browser, as settings."""

from pydantic import BaseModel, ConfigDict, model_validator

from mainstay.base.errors import ConfigurationError
from mainstay.web.cors import EXPOSED, HEADERS, METHODS, CorsRule


class CorsClient(BaseModel):
    """What the pages of one front end may do. Its origins are what it is known by."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    origins: tuple[str, ...]
    methods: tuple[str, ...] = METHODS
    headers: tuple[str, ...] = HEADERS
    exposed: tuple[str, ...] = EXPOSED
    credentials: bool = False
    max_age: int = 600

    def rule(self) -> CorsRule:
        """Raises ConfigurationError for what is no origin, and for `*` with credentials."""
        return CorsRule(self.origins, self.methods, self.headers, self.exposed, self.credentials, self.max_age)


class CorsSettings(BaseModel):
    """What all other pages may do, and the clients that have rules of their own, by name.

    Without `origins`: pages that this machine serves, with credentials, in development and testing; else none.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    origins: tuple[str, ...] | None = None
    methods: tuple[str, ...] = METHODS
    headers: tuple[str, ...] = HEADERS
    exposed: tuple[str, ...] = EXPOSED
    credentials: bool = False
    max_age: int = 600
    clients: dict[str, CorsClient] = {}

    @model_validator(mode="after")
    def _can_be_kept(self) -> "CorsSettings":
        self.rule(local=False)
        self.client_rules()
        return self

    @property
    def chosen(self) -> bool:
        """Whether somebody has said anything, rather than left it to the default."""
        return bool(self.origins or self.clients)

    def rule(self, *, local: bool) -> CorsRule | None:
        """The rule for pages of no named client; None where there is none. `local`: the default of development."""
        if self.origins is None and local:
            return CorsRule(headers=("*",), credentials=True, local=True)
        if not self.origins:
            return None
        return CorsRule(self.origins, self.methods, self.headers, self.exposed, self.credentials, self.max_age)

    def client_rules(self) -> dict[str, CorsRule]:
        return {name: client.rule() for name, client in self.clients.items()}

    def refuse_plain(self, environment: str) -> None:
        """Raises ConfigurationError where a page that travels in clear would be given cookies."""
        for rule in (self.rule(local=False), *self.client_rules().values()):
            plain = next((each for each in rule.origins if each.startswith("http://")), None) if rule else None
            if rule is not None and rule.credentials and plain is not None:
                raise ConfigurationError(
                    f"MAINSTAY_CORS gives credentials to {plain}, whose pages anybody on the way can change.",
                    fix=f"Name the https:// origin, or leave credentials out in {environment}.",
                )
