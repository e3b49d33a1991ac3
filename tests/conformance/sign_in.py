"""How schemathesis signs in. Each operation has a session of its own, so that one of them may sign it out."""

import json
import os
import time
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import schemathesis

# Not the address that the run guesses passwords from, which has to wait longer and longer.
FROM = "127.0.0.2"


@schemathesis.auth(refresh_interval=240, cache_by_key=lambda case, context: context.operation.label)
class SignIn:
    """Posts the e-mail and password of the run, and sends the token as a bearer."""

    def get(self, case: Any, context: Any) -> str:
        body = json.dumps({"email": os.environ["CONFORMANCE_EMAIL"], "password": os.environ["CONFORMANCE_PASSWORD"]})
        deadline = time.monotonic() + 60
        while True:
            connection = HTTPConnection(urlsplit(os.environ["CONFORMANCE_URL"]).netloc, source_address=(FROM, 0))
            connection.request("POST", "/auth/sign-in", body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            told = json.load(answer)
            connection.close()
            if answer.status == 200:
                return str(told["access_token"])
            if answer.status not in (429, 503) or time.monotonic() > deadline:
                raise RuntimeError(f"signing in was answered {answer.status}: {told}")
            time.sleep(min(float(answer.headers.get("Retry-After", 1)), 5))

    def set(self, case: Any, data: str, context: Any) -> None:
        case.headers = {**(case.headers or {}), "Authorization": f"Bearer {data}"}
