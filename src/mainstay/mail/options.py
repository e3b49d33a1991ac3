"""What an app may choose about its letters; the environment is never read here."""

from dataclasses import dataclass, field
from pathlib import Path

from mainstay.base.secret import Secret


@dataclass(frozen=True, slots=True)
class QueueOptions:
    """How letters wait, and how often they are tried. Times are in seconds.

    `most` letters may wait, those of mailing lists up to half of it. `lease` is how long a letter belongs to the
    process that sends it, and has to be longer than `deadline`, what one sending may take.
    """

    most: int = 20_000
    poll: float = 1.0
    at_once: int = 4
    deadline: float = 120.0
    lease: float = 300.0
    # A letter that the server put off is tried again after `pause`, twice that, and so on, up to `longest_pause`.
    tries: int = 12
    pause: float = 15.0
    longest_pause: float = 3600.0
    # Counted from the day it was written: also where the server has been away all the time.
    patience: float = 86_400.0
    keep_sent: float = 7 * 86_400.0
    keep_dead: float = 30 * 86_400.0


@dataclass(frozen=True, slots=True)
class MailOptions:
    """Whom letters are from and how they read.

    `app` is what letters call the app, `url` its public address, without a slash at the end. `folder` holds the app's
    own templates. `language` is that of the templates without a language in their name, where they are the app's own.
    `strict` renders a letter when it is queued, so that a mistake in it is told where it is made.
    """

    sender: str = "Mainstay <noreply@localhost>"
    reply_to: str | None = None
    app: str = "Mainstay"
    url: str | None = None
    folder: Path | None = None
    language: str = "en"
    strict: bool = False
    queue: QueueOptions = field(default_factory=QueueOptions)


@dataclass(frozen=True, slots=True)
class SmtpOptions:
    """A mail server. `tls`: `start`, STARTTLS is insisted on (RFC 3207); `full`, from the first byte (RFC 8314);
    `off`, in clear. `ca` is a file of certificates to trust instead of the system's. `timeout`: seconds for each step.
    """

    host: str
    port: int = 587
    user: str | None = None
    password: Secret | None = None
    tls: str = "start"
    ca: Path | None = None
    timeout: float = 30.0
    # Connections that are kept open between letters, and for how long.
    connections: int = 4
    idle: float = 10.0
