"""Letters through a mail server (RFC 5321), over TLS unless told otherwise."""

import asyncio
import ssl
from contextlib import suppress
from typing import Any

import aiosmtplib
from aiosmtplib import (
    SMTPException,
    SMTPRecipientsRefused,
    SMTPResponseException,
    SMTPSenderRefused,
)

from mainstay.base.errors import ConfigurationError
from mainstay.mail.errors import Away, PutOff, Refused, SendingFailed
from mainstay.mail.message import Message
from mainstay.mail.options import SmtpOptions

LEAVING, GRACE = 2.0, 0.1


class Smtp:
    """Sends over a few connections that are kept open for a while. Certificates are verified.

    What is wrong with the server or with our standing there is Away, whatever its number: no letter is given up for a
    password that was changed.
    """

    def __init__(self, options: SmtpOptions) -> None:
        self._options = options
        self.name = f"{options.host}:{options.port}"
        self._tls = _tls(options)
        self._free: list[tuple[float, aiosmtplib.SMTP]] = []
        self._refused = False
        self._places = asyncio.Semaphore(options.connections)

    async def send(self, message: Message) -> None:
        """Return once the server has taken the letter. Raises Refused, PutOff or Away."""
        try:
            mime = message.mime()
        except ValueError as error:
            raise Refused("it cannot be written as a letter to one person") from error
        async with self._places:
            client = await self._connected()
            kept = False
            try:
                await client.send_message(mime, sender=message.sender[1], recipients=[message.to])
                kept = True
            except (SMTPException, OSError) as error:
                # The connection of a letter that was refused is as good as before, once it is reset.
                kept = isinstance(error, SMTPRecipientsRefused | SMTPResponseException) and await _reset(client)
                raise _failure(error) from error
            finally:
                if kept:
                    self._free.append((asyncio.get_running_loop().time(), client))
                else:
                    _drop(client)

    async def check(self) -> str:
        """Connect, sign in, and leave. Raises Away."""
        await _leave(await self._connect())
        return f"{self.name} answers{', over TLS' if self._options.tls != 'off' else ''}"

    async def close(self) -> None:
        """Take leave of the server."""
        free, self._free = self._free, []
        for _, client in free:
            await _leave(client)
        if self._refused:
            # The driver closes what it could not open, and TLS takes leave in its own time: a loop that ended before
            # would complain.
            self._refused = False
            await asyncio.sleep(GRACE)

    async def _connected(self) -> aiosmtplib.SMTP:
        now = asyncio.get_running_loop().time()
        while self._free:
            since, client = self._free.pop()
            # A server may have hung up meanwhile: then nothing of this letter is on its way yet.
            if now - since < self._options.idle and client.is_connected and await _reset(client):
                return client
            _drop(client)
        return await self._connect()

    async def _connect(self) -> aiosmtplib.SMTP:
        options = self._options
        client = aiosmtplib.SMTP(
            hostname=options.host,
            port=options.port,
            timeout=options.timeout,
            use_tls=options.tls == "full",
            # True insists: without it a server that offers none, or somebody between us, would get all in clear.
            start_tls=options.tls == "start",
            tls_context=self._tls,
            username=options.user,
            password=None if options.password is None else options.password.reveal(),
        )
        try:
            await client.connect()
        except (SMTPException, OSError, ValueError) as error:
            self._refused = True
            _drop(client)
            raise Away(_said(error)) from error
        except BaseException:
            _drop(client)
            raise
        return client


async def _leave(client: aiosmtplib.SMTP) -> None:
    transport: Any = client.transport
    with suppress(SMTPException, OSError, TimeoutError):
        async with asyncio.timeout(LEAVING):
            await client.quit()
    _drop(client)
    if transport is not None:
        transport.abort()
        await asyncio.sleep(0)


def _drop(client: aiosmtplib.SMTP) -> None:
    transport: Any = client.transport
    client.close()
    if transport is not None:
        # Without waiting for what TLS has to say at the end.
        transport.abort()


async def _reset(client: aiosmtplib.SMTP) -> bool:
    try:
        await client.rset()
    except (SMTPException, OSError):
        return False
    return True


def _failure(error: Exception) -> SendingFailed:
    if isinstance(error, SMTPRecipientsRefused):
        error = error.recipients[0]
    elif isinstance(error, SMTPSenderRefused):
        # Whom we may write as is for the operator to settle, and no letter's fault.
        return Away(_said(error))
    # RFC 5321 §3.8: with 421 the server shuts the channel, whatever it was about to do.
    if not isinstance(error, SMTPResponseException) or error.code == 421 or error.code < 400:
        return Away(_said(error))
    return (Refused if error.code >= 500 else PutOff)(_said(error))


def _said(error: Exception) -> str:
    if isinstance(error, SMTPResponseException):
        return f"{error.code} {error.message}"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate does not hold: {error.verify_message}"
    return str(error) or type(error).__name__


def _tls(options: SmtpOptions) -> ssl.SSLContext | None:
    if options.tls == "off":
        return None
    try:
        return ssl.create_default_context(cafile=None if options.ca is None else str(options.ca))
    except (OSError, ssl.SSLError):
        raise ConfigurationError(
            f"The certificates in {options.ca}, which the mail server is to be known by, cannot be read.",
            fix="Name a file of PEM certificates behind ?ca= in MAINSTAY_MAIL__URL.",
        ) from None
