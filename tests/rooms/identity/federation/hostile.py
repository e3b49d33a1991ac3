"""A server in a thread that speaks as an issuer, or as GitHub is documented to, and says what a test wants."""

import base64
import json
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc import jwt
from joserfc.jwk import ECKey

KEY = ECKey.generate_key("P-256", {"kid": "theirs", "use": "sig", "alg": "ES256"}, private=True)


def spelt(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class HostileIssuer:
    """`token` makes the token endpoint's answer from the form; `userinfo`, `user` and `emails` are what APIs say."""

    def __init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self.nonce = ""
        self.token: Callable[[dict[str, str]], dict[str, Any]] = lambda form: self.tokens()
        self.userinfo: dict[str, Any] = {}
        self.user: dict[str, Any] = {}
        self.emails: list[dict[str, Any]] = []
        self.asked: list[tuple[str, str, dict[str, str]]] = []

    def __enter__(self) -> "HostileIssuer":
        Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def claims(self, **changes: Any) -> dict[str, Any]:
        """Of a token that is as it should be, but for these; None leaves one out."""
        now = int(time.time())
        right = {"iss": self.url, "aud": "us", "sub": "them", "nonce": self.nonce, "iat": now, "exp": now + 300}
        # Whoever takes a token takes the account: one that is wrongly taken is seen to be.
        right |= {"email": "them@hostile.example", "email_verified": True}
        return {name: value for name, value in {**right, **changes}.items() if value is not None}

    def sign(self, claims: dict[str, Any], **header: Any) -> str:
        return jwt.encode({"alg": "ES256", "kid": "theirs", "typ": "JWT", **header}, claims, KEY, algorithms=["ES256"])

    def sign_anything(self, claims: dict[str, Any], **header: Any) -> str:
        """The same, also with headers that no library would write."""
        parts = ({"alg": "ES256", "kid": "theirs", **header}, claims)
        signed = ".".join(spelt(json.dumps(each).encode()) for each in parts)
        key = KEY.private_key
        assert key is not None
        r, s = decode_dss_signature(key.sign(signed.encode(), ECDSA(SHA256())))
        return f"{signed}.{spelt(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"

    def tokens(self, id_token: object = None, **changes: Any) -> dict[str, Any]:
        signed = self.sign(self.claims(**changes)) if id_token is None else id_token
        return {"access_token": "upstream-access", "token_type": "Bearer", "expires_in": 300, "id_token": signed}

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, Any]:
        if path.endswith("/.well-known/openid-configuration"):
            return 200, {
                # As Entra does for `common`: a place for the tenant.
                "issuer": self.url + ("/{tenantid}/v2.0" if path.startswith("/common/") else ""),
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "userinfo_endpoint": f"{self.url}/userinfo",
                "jwks_uri": f"{self.url}/keys",
                "authorization_response_iss_parameter_supported": True,
                # An issuer that offers what nobody may accept.
                "id_token_signing_alg_values_supported": ["ES256", "RS256", "HS256", "none"],
            }
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        match path:
            case "/keys":
                return 200, {"keys": [{**KEY.as_dict(private=False), "kid": "theirs"}]}
            case "/token":
                return 200, self.token(form)
            case "/userinfo":
                return 200, self.userinfo
            case "/login/oauth/access_token":
                # As GitHub refuses: with status 200.
                if form.get("code") != "right":
                    return 200, {"error": "bad_verification_code", "error_description": "The code is incorrect."}
                return 200, {"access_token": "gho_upstream", "token_type": "bearer", "scope": "read:user,user:email"}
            case "/api/user":
                return 200, self.user
            case "/api/user/emails":
                return 200, self.emails
        return 404, {"message": "Not Found"}

    def _handler(outer) -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            def respond(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                outer.asked.append(
                    (self.command, self.path, {name.lower(): text for name, text in self.headers.items()})
                )
                status, told = outer.answer(self.command, self.path, body)
                raw = json.dumps(told).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            do_GET = do_POST = respond

            def log_message(self, *_: object) -> None:
                """Nothing is printed."""

        return Handler
