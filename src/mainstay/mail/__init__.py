"""Letters: queued in the transaction of what they tell of, sent after it through a mail server, and tried again.

Alone (`database` is an open `mainstay.storage.Database`, migrated with `SCHEMA`):

    options = MailOptions(sender="Shop <noreply@shop.example>", folder=Path("letters"))
    mail = Mail(database, SystemScope("mail"), MasterKey(Secret(os.environ["SECRET"])), Console(), options)
    await mail.open()                                  # in the app's lifespan; close() after
    await mail.send("welcome", "ada@example.com", {"name": "Ada"})
"""

from mainstay.mail.engines.console import Console
from mainstay.mail.engines.memory import Memory
from mainstay.mail.engines.nowhere import Nowhere
from mainstay.mail.engines.smtp_engine import smtp_engine
from mainstay.mail.mail import Mail
from mainstay.mail.message import Message
from mainstay.mail.options import MailOptions, QueueOptions, SmtpOptions
from mainstay.mail.ports import Engine
from mainstay.mail.routes import mail_routes
from mainstay.mail.tables import SCHEMA

__all__ = [
    "SCHEMA",
    "Console",
    "Engine",
    "Mail",
    "MailOptions",
    "Memory",
    "Message",
    "Nowhere",
    "QueueOptions",
    "SmtpOptions",
    "mail_routes",
    "smtp_engine",
]
