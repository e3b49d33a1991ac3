"""Letters, from settings."""

from pathlib import Path

from mainstay.assembly.settings import Settings
from mainstay.base.clock import Clock
from mainstay.base.secret import MasterKey
from mainstay.base.tenant import SystemScope
from mainstay.mail import Mail
from mainstay.storage import Database


def mail_of(settings: Settings, title: str, database: Database, key: MasterKey, folder: Path, clock: Clock) -> Mail:
    """Templates are looked for in the app's folder, and rendered as soon as they are written into the queue where
    somebody develops."""
    options = settings.mail.options(
        title=title,
        public_url=settings.public_url,
        address=settings.own_address(),
        folder=folder,
        strict=settings.relaxed,
    )
    return Mail(database, SystemScope("mail"), key, settings.mail.engine(settings.environment), options, clock)
