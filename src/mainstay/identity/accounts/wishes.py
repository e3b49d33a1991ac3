"""What can be wished of a new session, whatever the proof."""

from collections.abc import Iterable
from typing import TypedDict

from mainstay.identity.tokens.refresh_token import Kind


class NewSession(TypedDict, total=False):
    """As the arguments of `start_session`."""

    scopes: Iterable[str] | None
    tenant: str | None
    user_agent: str | None
    client_address: str | None
    remember: bool
    kind: Kind
