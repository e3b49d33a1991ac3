"""A real mail server for tests, on the test's own loop: STARTTLS or TLS with a certificate of its own, sign-in."""

import asyncio
import ipaddress
import ssl
import warnings
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

USER, PASSWORD = "shop", "p@ss/word:1"


@dataclass
class PostOffice:
    """What the server was given, and how it is to answer. `refuse` sees each recipient, `reject` each letter."""

    port: int = 0
    received: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    over_tls: list[bool] = field(default_factory=list)
    users: list[str | None] = field(default_factory=list)
    connections: int = 0
    refuse: Callable[[str], str | None] = lambda recipient: None
    reject: Callable[[EmailMessage], str | None] = lambda letter: None
    refuse_sender: str | None = None
    hold: asyncio.Event | None = None
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle_MAIL(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return self.refuse_sender or "250 OK"

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        refusal = self.refuse(address)
        if refusal is None:
            envelope.rcpt_tos.append(address)
        return refusal or "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        letter: Any = message_from_bytes(envelope.content, policy=default)
        self.arrived.set()
        if self.hold is not None:
            await self.hold.wait()
        refusal = self.reject(letter)
        if refusal is None:
            self.received.append(letter)
            self.recipients += envelope.rcpt_tos
            self.over_tls.append(session.ssl is not None or server.transport.get_extra_info("ssl_object") is not None)
            self.users.append(None if session.auth_data is None else session.auth_data.login.decode())
        return refusal or "250 taken"

    @property
    def letter_ids(self) -> list[str]:
        return [str(each["Message-ID"]) for each in self.received]


@asynccontextmanager
async def mail_server(
    tls: str = "off", certificate: Path | None = None, *, sign_in: bool = False, port: int = 0
) -> AsyncIterator[PostOffice]:
    """A server on this machine: `tls` is off, start or full; `certificate` holds key and certificate."""
    office = PostOffice()
    context = None
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)

    def authenticate(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        good = isinstance(data, LoginPassword) and (data.login, data.password) == (USER.encode(), PASSWORD.encode())
        return AuthResult(success=good, handled=False, auth_data=data if good else None)

    def connected() -> SMTP:
        office.connections += 1
        with warnings.catch_warnings(action="ignore"):  # it does not know of TLS from the first byte
            made = SMTP(
                office,
                hostname="mail.test",
                ident="tests",
                tls_context=context if tls == "start" else None,
                require_starttls=tls == "start",
                authenticator=authenticate if sign_in else None,
                auth_required=sign_in,
                auth_require_tls=tls == "start",
            )
        open_now.append(made)
        return made

    open_now: list[SMTP] = []
    loop = asyncio.get_running_loop()
    server = await loop.create_server(connected, "127.0.0.1", port, ssl=context if tls == "full" else None)
    office.port = server.sockets[0].getsockname()[1]
    try:
        yield office
    finally:
        server.close()
        for each in open_now:
            if each.transport is not None:
                each.transport.close()
        await server.wait_closed()
        for _ in range(3):  # what was closed is let go of by the loop's next turns
            await asyncio.sleep(0)


def self_made(folder: Path, name: str = "localhost") -> Path:
    """A key and a certificate for this name and 127.0.0.1, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName(name), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{name}.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path
