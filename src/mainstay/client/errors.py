"""What can come of a request.

ClientError
├── Problem             the server refused (RFC 9457)
│   └── StepUpRequired  it wants a more recent or a stronger sign-in (RFC 9470)
└── Unreachable         there was no answer; nobody is signed out by that
"""

import re
from typing import Any

import httpx2

SECOND_FACTOR = "second_factor_required"
STRONGER = "insufficient_user_authentication"


class ClientError(Exception):
    """Whatever a client raises."""


class Problem(ClientError):
    """A refusal. `code` is for programs, the text for people; `errors` are `{"loc", "code", "message"}` each."""

    # Where a proof is asked for again: why the last one was not taken.
    refused: "Problem | None" = None

    def __init__(self, status: int, members: dict[str, Any], headers: httpx2.Headers) -> None:
        super().__init__(members.get("detail") or members.get("title") or f"The server answered {status}.")
        self.status = status
        self.members = members
        self.headers = headers

    @property
    def code(self) -> str:
        return str(self.members.get("code", ""))

    @property
    def errors(self) -> list[dict[str, Any]]:
        return list(self.members.get("errors", ()))

    @property
    def request_id(self) -> str:
        return str(self.members.get("request_id", ""))

    @property
    def methods(self) -> list[str]:
        """What finishes a sign-in that waits for a second factor: `totp`, `recovery_code`, `passkey`."""
        return [str(each) for each in self.members.get("methods", ())]


class StepUpRequired(Problem):
    """A more recent or a stronger sign-in is needed (RFC 9470 §3)."""

    @property
    def acr_values(self) -> list[str]:
        found = re.search(r'acr_values="([^"]*)"', self.headers.get("www-authenticate", ""))
        return found[1].split() if found else []

    @property
    def max_age(self) -> int | None:
        """Seconds since the sign-in that are accepted."""
        found = re.search(r'max_age="?(\d+)', self.headers.get("www-authenticate", ""))
        return int(found[1]) if found else None


class Unreachable(ClientError):
    """There was no answer: offline, the server is away, it took too long, or something else answered in its place."""

    # Set where the attempts that make sense have been made.
    tried = False

    def __init__(self, detail: str = "The server cannot be reached.") -> None:
        super().__init__(detail)


def problem_of(answer: httpx2.Response) -> Problem:
    """The refusal that an answer is which was no success."""
    try:
        told = answer.json()
    except ValueError:
        told = {}
    members = told if isinstance(told, dict) else {}
    named = f'error="{STRONGER}"' in answer.headers.get("www-authenticate", "") or members.get("code") == STRONGER
    kind = StepUpRequired if answer.status_code == 401 and named else Problem
    return kind(answer.status_code, members, answer.headers)


def told(answer: httpx2.Response) -> dict[str, Any]:
    """What an answer of the app's own routes says. Raises Unreachable for what cannot be one of its."""
    try:
        found = answer.json()
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Unreachable("Something else than the app answered.")
    return found
