"""A mail server, where its driver is installed."""

from mainstay.base.errors import ConfigurationError
from mainstay.mail.options import SmtpOptions
from mainstay.mail.ports import Engine


def smtp_engine(options: SmtpOptions) -> Engine:
    """`engines.smtp.Smtp` with these options. Raises ConfigurationError where the driver is missing."""
    try:
        from mainstay.mail.engines.smtp import Smtp  # noqa: PLC0415  an extra
    except ModuleNotFoundError as missing:
        if missing.name != "aiosmtplib":
            raise
        raise ConfigurationError(
            "MAINSTAY_MAIL__URL names a mail server, but the driver for one is not installed.",
            fix="pip install 'mainstay[smtp]', or leave MAINSTAY_MAIL__URL out.",
        ) from None
    return Smtp(options)
