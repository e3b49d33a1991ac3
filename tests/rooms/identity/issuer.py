"""Another issuer: keys of its own, tokens it signs, and a real server that answers its key set."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from joserfc import jws
from joserfc.jwk import ECKey, OctKey, RSAKey

ISSUER = "https://old.example"
SECRET = "the-secret-of-the-old-app-9182736450-qwe"
Pair = ECKey | RSAKey | OctKey
RSA = RSAKey.generate_key(2048, private=True)
SMALL_EC = ECKey.generate_key("P-256", private=True)


def token(key: Pair, algorithm: str, claims: dict[str, Any], *, kid: str | None = None, **header: Any) -> str:
    """Signed as told; a header of `...` is left out."""
    head = {"alg": algorithm, "typ": "at+jwt"} | ({} if kid is None else {"kid": kid}) | header
    text = ".".join(
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
        for part in ({name: value for name, value in head.items() if value is not ...}, claims)
    )
    signature = jws.JWSRegistry.algorithms[algorithm].sign(text.encode(), key)
    return f"{text}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


@dataclass
class KeySetServer:
    """Answers /jwks.json on the loopback; counts how often it was asked."""

    keys: list[dict[str, Any]] = field(default_factory=list)
    status: int = 200
    asked: int = 0
    url: str = ""

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        self.asked += 1
        body = json.dumps({"keys": self.keys}).encode()
        head = f"HTTP/1.1 {self.status} X\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n"
        writer.write(head.encode() + b"connection: close\r\n\r\n" + body)
        await writer.drain()
        writer.close()
        await writer.wait_closed()


def public(key: Pair, kid: str, **more: Any) -> dict[str, Any]:
    return {**key.as_dict(private=False), "kid": kid, "use": "sig"} | more


@asynccontextmanager
async def key_set_server(*keys: dict[str, Any]) -> AsyncIterator[KeySetServer]:
    served = KeySetServer(list(keys))
    server = await asyncio.start_server(served.answer, "127.0.0.1", 0)
    served.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/jwks.json"
    async with server:
        yield served
