"""Letters, as settings."""

from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from mainstay.base.errors import ConfigurationError
from mainstay.base.secret import Secret
from mainstay.mail import Console, Engine, MailOptions, Memory, Nowhere, QueueOptions, SmtpOptions, smtp_engine

LETTERS = "letters"
_PORTS = {"smtp": 587, "smtps": 465}
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class MailSettings(BaseModel):
    """Through whom letters go, and whom they are from."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: SecretStr | None = None
    sender: str | None = None
    reply_to: str | None = None
    name: str | None = None
    templates: Path | None = None
    language: str = Field("en", pattern=r"^[A-Za-z]{2,3}([-_][A-Za-z0-9]{1,8}){0,3}$")
    timeout: float = Field(30.0, gt=0, le=300)
    waiting: int = Field(20_000, ge=2)
    tries: int = Field(12, ge=1, le=100)
    patience: float = Field(86_400.0, gt=0)

    @model_validator(mode="after")
    def _is_understood(self) -> "MailSettings":
        if self.url is not None and self._parts().scheme in _PORTS:
            self.smtp()
        elif self.url is not None and self._parts().scheme not in ("console", "memory"):
            raise ValueError("it is written as smtp://user:password@host:587, smtps://user:password@host or console:")
        return self

    def engine(self, environment: str) -> Engine:
        """What hands letters on: by default the terminal in development, memory in testing, elsewhere nothing."""
        if self.url is None and environment == "development":
            return Console()
        if self.url is None:
            return Memory() if environment == "testing" else Nowhere()
        match self._parts().scheme:
            case "console":
                return Console()
            case "memory":
                return Memory()
            case _:
                return smtp_engine(self.smtp())

    def smtp(self) -> SmtpOptions:
        """The mail server that the URL names. Raises ValueError for a URL that cannot be one."""
        parts = self._parts()
        asked = dict(parse_qsl(parts.query, keep_blank_values=True))
        strange = sorted(set(asked) - {"starttls", "ca"})
        if strange or parts.path.strip("/") or asked.get("starttls", "on") not in ("on", "off"):
            raise ValueError("behind the host there may be ?starttls=off and ?ca=file.pem")
        if not parts.hostname:
            raise ValueError("it names no host")
        start = "off" if asked.get("starttls") == "off" else "start"
        return SmtpOptions(
            host=parts.hostname,
            port=parts.port or _PORTS[parts.scheme],
            user=None if parts.username is None else unquote(parts.username),
            password=None if parts.password is None else Secret(unquote(parts.password)),
            tls="full" if parts.scheme == "smtps" else start,
            ca=Path(asked["ca"]) if "ca" in asked else None,
            timeout=self.timeout,
        )

    def options(self, *, title: str, public_url: str | None, address: str, folder: Path, strict: bool) -> MailOptions:
        """Whom letters are from and how they read. `address` stands for a public one where there is none."""
        url = (public_url or address).rstrip("/") if public_url or strict else None
        host = urlsplit(url or "").hostname or "localhost"
        name = self.name or title
        sender = self.sender or _mailbox(name, host if "." in host else "localhost")
        return MailOptions(
            sender=sender,
            reply_to=self.reply_to,
            app=name,
            url=url,
            folder=self._folder(folder),
            language=self.language.lower().replace("_", "-"),
            strict=strict,
            queue=QueueOptions(most=self.waiting, tries=self.tries, patience=self.patience),
        )

    def refuse_unready(self, environment: str, *, sign_up: bool) -> None:
        """Raises ConfigurationError where strangers come and letters would not reach them, or would lie in the open."""
        if self.url is None:
            if sign_up:
                raise ConfigurationError(
                    f"MAINSTAY_MAIL__URL is not set in {environment}, so nobody who signs up could confirm an address"
                    " or choose a new password.",
                    fix="Set MAINSTAY_MAIL__URL=smtp://user:password@host:587 and MAINSTAY_MAIL__SENDER, or"
                    " MAINSTAY_SIGN_UP=false.",
                )
            return
        scheme = self._parts().scheme
        if scheme == "memory" or (scheme == "console" and environment == "production"):
            raise ConfigurationError(
                f"MAINSTAY_MAIL__URL is {scheme}: in {environment}, where letters have to reach their readers and"
                " nobody else.",
                fix="Name a mail server: smtp://user:password@host:587.",
            )
        if scheme not in _PORTS:
            return
        server = self.smtp()
        if server.tls == "off" and server.user is not None and server.host not in _LOOPBACK:
            raise ConfigurationError(
                f"MAINSTAY_MAIL__URL switches STARTTLS off, so its password would travel in clear in {environment}.",
                fix="Leave ?starttls=off out.",
            )
        if self.sender is None:
            raise ConfigurationError(
                "MAINSTAY_MAIL__SENDER is not set, so letters would come from nobody.",
                fix="Set it to an address that the mail server sends for: `Shop <noreply@shop.example>`.",
            )

    def _folder(self, folder: Path) -> Path | None:
        if self.templates is not None:
            return folder / self.templates
        return folder / LETTERS if (folder / LETTERS).is_dir() else None

    def _parts(self) -> SplitResult:
        parts = urlsplit("" if self.url is None else self.url.get_secret_value())
        try:
            _: Any = parts.port
        except ValueError:
            # Python's own words repeat what it took for the port, which may be a piece of the password.
            raise ValueError(
                "its port is no number; write / ? # @ and : in a password as %2F %3F %23 %40 and %3A"
            ) from None
        return parts


def _mailbox(name: str, host: str) -> str:
    # Quoted, since a title may hold what stands for something in an address.
    quoted = "".join(each for each in name if each not in '"\\')
    return f'"{quoted}" <noreply@{host}>'
