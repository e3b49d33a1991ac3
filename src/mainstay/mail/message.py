"""A letter that is ready to be handed on, and its form on the wire (RFC 5322)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP

LONGEST_SUBJECT = 200
# Control and format characters, among them line ends of every kind and those that turn the direction of writing.
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]+")
_URL = re.compile(r"https?://[^\s<>\"']+")
_CODE = re.compile(r"(?<![\w/=-])\d{6,8}(?![\w/=-])")


def one_line(text: str) -> str:
    """The text without line ends and other characters that cannot be seen: what a header may hold."""
    return " ".join(_UNSEEN.sub(" ", text).split())


@dataclass(frozen=True, slots=True)
class Message:
    """A letter to one person. `sender` and `reply_to` are name and address; `text` and `html` say the same.

    Made again for another try it is the same letter: id and date are those of its row in the queue.
    """

    message_id: str  # without the angle brackets
    date: datetime
    kind: str
    sender: tuple[str, str]
    to: str
    subject: str
    text: str
    html: str | None = None
    language: str = "en"
    reply_to: tuple[str, str] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def links(self) -> list[str]:
        """The addresses that the text names."""
        return _URL.findall(self.text)

    @property
    def link(self) -> str:
        """The first of them. Raises LookupError where there is none."""
        if not self.links:
            raise LookupError(f"the letter {self.kind} to {self.to} holds no link: {self.text}")
        return self.links[0]

    @property
    def code(self) -> str:
        """The first number of six to eight digits in the text. Raises LookupError where there is none."""
        found = _CODE.search(self.text)
        if found is None:
            raise LookupError(f"the letter {self.kind} to {self.to} holds no code: {self.text}")
        return found[0]

    def mime(self) -> EmailMessage:
        """The letter as it is sent: text, and HTML beside it where there is any."""
        made = EmailMessage(policy=SMTP)
        made["From"] = _mailbox(self.sender)
        made["To"] = _mailbox(("", self.to))
        made["Subject"] = one_line(self.subject)[:LONGEST_SUBJECT]
        made["Date"] = self.date
        made["Message-ID"] = f"<{self.message_id}>"
        if self.reply_to is not None:
            made["Reply-To"] = _mailbox(self.reply_to)
        made["Content-Language"] = one_line(self.language)
        # RFC 3834 §5: nobody's holiday answers this. Exchange wants it said in its own words.
        made["Auto-Submitted"] = "auto-generated"
        made["X-Auto-Response-Suppress"] = "All"
        for name, value in self.headers.items():
            made[name] = one_line(value)
        made.set_content(self.text)
        if self.html is not None:
            made.add_alternative(self.html, subtype="html")
        return made


def _mailbox(named: tuple[str, str]) -> Address:
    # Address refuses line ends and anything but one mailbox.
    return Address(one_line(named[0]), addr_spec=named[1])
