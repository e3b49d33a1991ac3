"""Settings: the one place where the environment is read."""

import difflib
import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    InitSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)
from starlette.requests import Request

from mainstay.assembly.development_secret import development_secret
from mainstay.assembly.groups.accounts import AccountSettings, PasswordSettings
from mainstay.assembly.groups.audit import AuditSettings
from mainstay.assembly.groups.browsers import HeaderSettings, SessionSettings, refuse_everybody
from mainstay.assembly.groups.factors import FactorSettings
from mainstay.assembly.groups.federation import ProviderSettings, federation_of, refuse_insecure
from mainstay.assembly.groups.issuers import IssuerSettings
from mainstay.assembly.groups.keys import KeySettings
from mainstay.assembly.groups.mail import MailSettings
from mainstay.assembly.groups.outbound import FetchSettings, ServiceSettings, refuse_plain
from mainstay.assembly.groups.pages import PageSettings
from mainstay.assembly.groups.secrets import master_key_of, refuse_default_password, refuse_weak_key, several
from mainstay.assembly.live.cors_settings import CorsSettings
from mainstay.assembly.live.custom_headers import answer_headers
from mainstay.base.errors import ConfigurationError
from mainstay.base.secret import MasterKey

Environment = Literal["development", "testing", "staging", "production"]
PREFIX = "MAINSTAY_"
RELAXED: frozenset[str] = frozenset({"development", "testing"})


class Settings(BaseSettings):
    """What an operator may set, as `MAINSTAY_<NAME>` in the environment, in `.env`, or in `.env.<environment>`.

    Arguments win over the environment, the environment over `.env.<environment>`, that over `.env`. Frozen. Values
    that are insecure outside development raise ConfigurationError. Subclass it to add an app's own settings.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", extra="ignore", frozen=True, validate_default=True
    )

    environment: Environment = Field("development", description="Which guards and defaults apply.")
    database_url: SecretStr = Field(
        SecretStr("sqlite:///mainstay.db"),
        description="`sqlite:///file.db` or `postgresql://user:password@host/name`; requests use this role.",
    )
    database_system_url: SecretStr | None = Field(
        None, description="The role that owns the tables: migrations, sign-in and the relay. Default: DATABASE_URL."
    )
    database_pool_size: int = Field(10, ge=1, le=1000, description="Connections per process and role.")
    database_wait: float = Field(
        5.0,
        gt=0,
        le=600,
        description="Seconds that a request waits for a connection, or on SQLite a writer for its turn, before 503.",
    )
    statement_timeout: float = Field(10.0, gt=0, le=3600, description="Seconds one statement may take.")
    migrate: bool | None = Field(
        None, description="Migrate when the app starts. Default: yes on SQLite, no on PostgreSQL."
    )
    redis_url: SecretStr | None = Field(
        None, description="`redis://:password@host/0` or `rediss://`: what processes share. Default: nothing is shared."
    )
    limits: bool | None = Field(
        None, description="Whether requests are counted against limits. Default: where the app says `limits=`."
    )
    limits_tiers: dict[str, str | None] = Field(
        {}, description='Rates over those of the app: `{"free": "200/hour", "admin": null}`; null is unlimited.'
    )
    limits_without_redis: Literal["open", "closed"] | None = Field(
        None, description="While Redis is away: `open`, each process counts alone, or `closed`, 503. Default: open."
    )
    trusted_proxies: tuple[str, ...] = Field(
        (), description='Networks whose `X-Forwarded-For` is believed: `["10.0.0.0/8"]`; `unix` for a local socket.'
    )
    cache: Literal["memory", "redis", "off"] | None = Field(
        None,
        description="Where `app.cache` keeps values; `off` computes every time. Default: in Redis if there is one.",
    )
    cache_bytes: int = Field(67_108_864, ge=65_536, description="Bytes of memory for cached values, in each process.")
    cache_entries: int = Field(50_000, ge=1, description="Cached values in memory, in each process.")
    cache_timeout: float = Field(0.1, gt=0, le=5, description="Seconds the cache waits for Redis before it computes.")
    secret_key: SecretStr | None = Field(
        None, description="At least 32 bytes, from which every key is derived. Development makes its own."
    )
    secret_key_previous: Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(several)] = Field(
        (), description="What `SECRET_KEY` was before, while `mainstay keys reseal` has not run; several as JSON."
    )
    signing: KeySettings = Field(KeySettings(), description="With what access tokens are signed, and for how long.")
    issuers: dict[str, IssuerSettings] = Field({}, description="Others whose access tokens are accepted, by name.")
    debug: bool = Field(False, description="Tracebacks in answers; refused outside development.")
    tenant_from: Literal["default", "token", "header"] = Field(
        "default", description="How a request names its tenant: not at all, by its token, or by `X-Tenant-ID`."
    )
    sign_up: bool = Field(True, description="Whether visitors may create accounts at `/auth/sign-up`.")
    password_grant: bool | None = Field(
        None, description="`/auth/token`, the form behind the docs' Authorize button. Default: not in production."
    )
    access_token_seconds: int = Field(600, ge=30, le=86_400, description="How long an access token is good for.")
    refresh_token_days: int = Field(30, ge=1, le=365, description="How long a session lives without being used.")
    docs: bool | None = Field(None, description="Swagger UI and ReDoc. Default: not in production.")
    requests_under_way: int = Field(
        2000, ge=1, description="Requests that one worker has under way at once; one more gets 503."
    )
    body_limit: int = Field(1_048_576, ge=1, description="Bytes a request body may have.")
    body_deadline: float = Field(60.0, gt=0, description="Seconds in which a whole body must arrive.")
    log_format: Literal["json", "plain", "off"] | None = Field(
        None, description="Form of log lines; `off` leaves logging be. Default: plain in development, else json."
    )
    log_level: str = Field("INFO", description="From which level on lines are written.")
    log_levels: dict[str, str] = Field({}, description='Levels of single loggers: `{"sqlalchemy.engine": "INFO"}`.')
    log_file: Path | None = Field(None, description="A file that every line is written to, beside standard error.")
    log_file_size: int = Field(10_000_000, ge=1000, description="Bytes at which the file is turned.")
    log_file_count: int = Field(5, ge=1, le=1000, description="How many turned files are kept.")
    slow_statement: float = Field(
        0.2, ge=0, description="Seconds from which on a statement is logged as slow; 0: never."
    )
    metrics: bool = Field(True, description="Whether figures for Prometheus are kept.")
    metrics_port: int | None = Field(
        None, ge=0, le=65_535, description="A listener of its own for `/metrics`. Default: on the app, behind a scope."
    )
    metrics_host: str = Field("127.0.0.1", description="Where that listener listens.")
    metrics_folder: Path | None = Field(
        None, description="Where the workers of one server share their figures; `serve` makes one by itself."
    )
    trace_ratio: float | None = Field(
        None, ge=0, le=1, description="The share of requests that OpenTelemetry traces. Default: tracing is off."
    )
    host: str = Field("127.0.0.1", description="Where `serve` listens.")
    port: int = Field(8000, ge=0, le=65_535, description="Where `serve` listens; 0 takes a free one.")
    public_url: str | None = Field(
        None,
        description="The address under which the world sees the app.",
        pattern=r"^https?://[^\s/?#@]+(/[^\s?#]*)?$",
        examples=["https://shop.example"],
    )
    mail: MailSettings = Field(
        MailSettings(), description="Through whom letters go. Default: the terminal in development, else nowhere."
    )
    accounts: AccountSettings = Field(
        AccountSettings(),
        description="Confirming, resetting, deleting. Default: addresses are confirmed first, outside development.",
    )
    passwords: PasswordSettings = Field(
        PasswordSettings(), description="Which passwords are taken, and what hashing them costs."
    )
    factors: FactorSettings = Field(
        FactorSettings(), description="Authenticator apps and passkeys, and which roles must have one."
    )
    audit: AuditSettings = Field(
        AuditSettings(), description="What the audit log holds beside sign-ins and administration, and for how long."
    )
    cors: CorsSettings = Field(
        CorsSettings(),
        description="Which pages may call from a browser. Default: in development those of this machine, else none.",
    )
    federation: dict[str, ProviderSettings] = Field({}, description="Whom users may sign in with, by name.")
    federation_origins: tuple[str, ...] = Field(
        (), description="Front ends on other origins that people come back to after signing in with others."
    )
    outbound: dict[str, ServiceSettings] = Field({}, description="Services that the app calls, by name.")
    fetch: FetchSettings = Field(
        FetchSettings(), description="What may be fetched from addresses that strangers gave: webhooks, logos."
    )
    answer_headers: dict[str, str] = Field({}, description="Headers that every answer gets.")
    sessions: SessionSettings = Field(SessionSettings(), description="How long sessions last.")
    pages: PageSettings = Field(
        PageSettings(), description="Pages to sign in with and for one's account. Default: below `/account`."
    )
    headers: HeaderSettings = Field(HeaderSettings(), description="What browsers are told with every answer.")
    hosts: tuple[str, ...] | None = Field(
        None, description='Names served, `["shop.example"]`; `["*"]`: all. Default: in production that of PUBLIC_URL.'
    )
    https: bool | None = Field(
        None, description="Turn http away. Default: in production, behind trusted proxies, for an https PUBLIC_URL."
    )

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise _sentence(error) from None
        except SettingsError as error:
            # What pydantic-settings says of a value that should be JSON names the field, and not the value.
            named = re.search(r'field "(\w+)"', str(error))
            raise ConfigurationError(
                f"{PREFIX}{(named[1] if named else 'a setting').upper()} is not JSON, as lists and objects have to be.",
                fix="""Write a list as '["one", "two"]', an object as '{"name": "value"}'.""",
            ) from None
        self._refuse_insecure()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        given = init_settings.init_kwargs if isinstance(init_settings, InitSettingsSource) else {}
        plain = DotEnvSettingsSource(settings_cls, env_file=".env")
        named = given.get("environment") or env_settings().get("environment") or plain().get("environment")
        _refuse_misspelt(settings_cls)
        specific = DotEnvSettingsSource(settings_cls, env_file=f".env.{named or 'development'}")
        return init_settings, env_settings, specific, plain, file_secret_settings

    @property
    def relaxed(self) -> bool:
        """Whether this is development or testing, where conveniences outweigh guards."""
        return self.environment in RELAXED

    @property
    def production(self) -> bool:
        return self.environment == "production"

    def database(self) -> str:
        """The request role's URL, in clear."""
        return self.database_url.get_secret_value()

    def database_system(self) -> str | None:
        """The owner role's URL, in clear, or None where one role does everything."""
        return self.database_system_url.get_secret_value() if self.database_system_url else None

    def redis(self) -> str | None:
        """The URL of Redis, in clear, or None where each process keeps to itself."""
        return self.redis_url.get_secret_value() if self.redis_url else None

    def own_address(self) -> str:
        """Where links lead that we give others: the public address, else that of this machine."""
        return self.public_url or f"http://{self.host}:{self.port}"

    def master_key(self, folder: Path) -> MasterKey:
        """The key all others are derived from. Development and testing make one in `.mainstay/secret` there."""
        if self.secret_key is not None:
            return master_key_of(self.secret_key.get_secret_value(), self._previous())
        return master_key_of(development_secret(folder).reveal(), self._previous())

    def _previous(self) -> tuple[str, ...]:
        return tuple(each.get_secret_value() for each in self.secret_key_previous)

    def wants_docs(self) -> bool:
        return not self.production if self.docs is None else self.docs

    def wants_password_grant(self) -> bool:
        return not self.production if self.password_grant is None else self.password_grant

    def access_log_format(self) -> Literal["json", "plain", "off"]:
        return self.log_format or ("plain" if self.relaxed else "json")

    def standard_trace_exporter(self) -> tuple[str, str]:
        """What OpenTelemetry's own variables say: which exporter, and which protocol it speaks."""
        exporter = os.environ.get("OTEL_TRACES_EXPORTER") or "otlp"
        protocol = os.environ.get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") or os.environ.get("OTEL_EXPORTER_OTLP_PROTOCOL")
        return exporter, protocol or "http/protobuf"

    def _refuse_insecure(self) -> None:
        secret = None if self.secret_key is None else self.secret_key.get_secret_value()
        if secret is not None:
            master_key_of(secret, self._previous())
        answer_headers(self.answer_headers)
        if not self.relaxed:
            self._refuse_relaxed(secret)
        self.factors.options(title="", public_url=self.public_url, port=self.port, relaxed=self.relaxed)
        federation_of(self.federation, self.federation_origins, self.public_url, sign_up=self.sign_up)

    def _refuse_relaxed(self, secret: str | None) -> None:
        """What goes in development and testing, and nowhere else."""
        self.cors.refuse_plain(self.environment)
        self.accounts.refuse_plain(self.environment)
        self.passwords.refuse_cheap(self.environment)
        refuse_everybody(self.trusted_proxies, self.environment)
        refuse_plain(self.outbound, self.environment)
        refuse_insecure(self.federation, self.federation_origins, self.public_url, self.environment)
        refuse_weak_key(secret, self.environment)
        for each in self.issuers.values():
            each.refuse_insecure(self.environment, secret)
        for name, url in (("DATABASE_URL", self.database()), ("DATABASE_SYSTEM_URL", self.database_system())):
            refuse_default_password(PREFIX + name, url)
        refuse_default_password("MAINSTAY_REDIS_URL", self.redis())
        refuse_default_password("MAINSTAY_MAIL__URL", self.mail.url.get_secret_value() if self.mail.url else None)
        if self.debug:
            raise ConfigurationError(
                f"MAINSTAY_DEBUG is on in {self.environment}, where tracebacks would reach callers.",
                fix="Remove MAINSTAY_DEBUG, or set MAINSTAY_ENVIRONMENT=development.",
            )
        if self.public_url and urlsplit(self.public_url).scheme != "https":
            raise ConfigurationError(
                f"MAINSTAY_PUBLIC_URL is not an https address, so tokens would travel in clear in {self.environment}.",
                fix="Put TLS in front and name its https:// address.",
            )
        self.mail.refuse_unready(self.environment, sign_up=self.sign_up)


def _refuse_misspelt(settings: type[BaseSettings]) -> None:
    known = {f"{PREFIX}{name.upper()}" for name in settings.model_fields}
    for name in os.environ:
        if not name.upper().startswith(PREFIX) or name.upper().split("__")[0] in known:
            continue
        nearest = difflib.get_close_matches(name.upper(), known, n=1, cutoff=0.85)
        if nearest:
            raise ConfigurationError(f"{name} is not a setting.", fix=f"Did you mean {nearest[0]}?")


def _sentence(error: ValidationError) -> ConfigurationError:
    # The value itself stays out of the sentence: it may be a secret.
    first = error.errors(include_url=False, include_input=False)[0]
    name = PREFIX + "__".join(str(part) for part in first["loc"]).upper()
    if first["type"] == "extra_forbidden":
        near = difflib.get_close_matches(str(first["loc"][-1]), _beside(first["loc"]), n=1)
        hint = "__".join(map(str, (*first["loc"][:-1], *near))).upper()
        fix = f"Did you mean {PREFIX}{hint}?" if near else "docs/reference/settings.md lists the settings."
        return ConfigurationError(f"{name} is not a setting.", fix=fix)
    reason = first["msg"][:1].lower() + first["msg"][1:]
    return ConfigurationError(
        f"{name} cannot be used: {reason}.", fix="docs/reference/settings.md lists what each setting takes."
    )


def _beside(place: tuple[int | str, ...]) -> list[str]:
    """The names that could stand at this place, in a group of settings."""
    group: Any = Settings
    for part in place[:-1]:
        kept = getattr(group, "model_fields", {}).get(str(part))
        group = None if kept is None else kept.annotation
    return list(getattr(group, "model_fields", {}))


def settings_of(request: Request) -> Settings:
    """The app's settings, as a FastAPI dependency: `Annotated[Settings, Depends(settings_of)]`."""
    found: Settings = request.app.settings
    return found
