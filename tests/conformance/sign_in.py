"""How schemathesis signs in. Each operation has a session of its own, so that one of them may sign it out."""

import json
import os
from typing import Any
from urllib.request import Request, urlopen

import schemathesis


@schemathesis.auth(refresh_interval=240, cache_by_key=lambda case, context: context.operation.label)
class SignIn:
    """Posts the e-mail and password of the run, and sends the token as a bearer."""

    def get(self, case: Any, context: Any) -> str:
        body = json.dumps({"email": os.environ["CONFORMANCE_EMAIL"], "password": os.environ["CONFORMANCE_PASSWORD"]})
        url = os.environ["CONFORMANCE_URL"] + "/auth/sign-in"
        request = Request(url, body.encode(), {"Content-Type": "application/json"})  # our own server
        with urlopen(request) as answer:  # our own server
            return str(json.load(answer)["access_token"])

    def set(self, case: Any, data: str, context: Any) -> None:
        case.headers = {**(case.headers or {}), "Authorization": f"Bearer {data}"}
