"""Addresses: one mailbox each, in ASCII, so that nothing can be smuggled into a header or a command."""

import re
from email.utils import parseaddr

from mainstay.base.errors import ConfigurationError, FieldError, Invalid

MAXIMUM = 254  # RFC 5321 §4.5.3.1.3, without the brackets
# dot-atoms of RFC 5322 §3.2.3; quoted local parts are in nobody's use, and are where smuggling begins.
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_DOMAIN = re.compile(
    r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*"
)


def deliverable(address: str) -> str | None:
    """The address as mail servers take it, its domain in ASCII (RFC 5891); None for what is not one mailbox."""
    local, _, domain = address.rpartition("@")
    if not domain.isascii():
        try:
            domain = domain.encode("idna").decode()
        except UnicodeError:
            return None
    if len(address) > MAXIMUM or len(local) > 64 or not _DOMAIN.fullmatch(domain):
        return None
    return f"{local}@{domain}" if _LOCAL.fullmatch(local) else None


def require_recipient(address: str) -> str:
    """The address as mail servers take it. Raises Invalid."""
    found = deliverable(address)
    if found is None:
        message = "This is not an e-mail address."
        raise Invalid(message, errors=[FieldError(("to",), "email", message)])
    return found


def require_mailbox(text: str, setting: str) -> tuple[str, str]:
    """`Shop <shop@example.com>` as name and address. Raises ConfigurationError, naming the setting."""
    name, address = parseaddr(text) if text.isprintable() else ("", "")
    found = deliverable(address)
    if found is None:
        raise ConfigurationError(
            f"{setting} is not an address to write from.", fix="Write it as `Shop <noreply@example.com>`."
        )
    return name, found
