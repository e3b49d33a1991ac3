"""What the routes of one's own account answer; docs/reference/identity.md lists them. Moments are texts of RFC 3339."""

from typing import Any, TypedDict


class User(TypedDict):
    """A user, as they see themselves."""

    id: str
    email: str
    email_verified: bool
    username: str | None
    display_name: str | None
    language: str | None
    created_at: str


class Me(TypedDict):
    """Who is calling, and what they may do. Without the scope `profile:read` whatever tells who it is, is None."""

    id: str
    email: str | None
    email_verified: bool | None
    username: str | None
    display_name: str | None
    language: str | None
    created_at: str | None
    roles: list[str]
    scopes: list[str]
    session_id: str | None
    api_key_id: str | None
    impersonator_id: str | None
    avatar: str | None
    profile: dict[str, Any] | None


class Device(TypedDict):
    """One of one's sessions; `current` is this one."""

    id: str
    created_at: str
    last_used_at: str
    expires_at: str
    device: str
    user_agent: str | None
    address: str | None
    place: str | None
    kind: str
    remembered: bool
    methods: list[str]
    impersonated: bool
    current: bool


class Passkey(TypedDict):
    """A passkey of the account."""

    id: str
    name: str
    created_at: str
    last_used_at: str | None


class Held(TypedDict):
    """The account's second factors, and what may be added."""

    app_since: str | None
    passkeys: list[Passkey]
    recovery_codes_left: int
    offered: list[str]


class Begun(TypedDict):
    """An authenticator app that is about to be added: show the picture, or the secret."""

    secret: str
    uri: str
    svg: str
    png: str


class Proved(TypedDict):
    """How one has proved who one is, and when."""

    methods: list[str]
    authenticated_at: str


class Letter(TypedDict):
    """A letter that was asked for. Its token or code is good with `request`, and for `expires_in` seconds."""

    email: str
    request: str
    expires_in: int


class Key(TypedDict):
    """An API key, without its secret."""

    id: str
    name: str
    hint: str
    scopes: list[str]
    created_at: str
    created_by: str
    expires_at: str | None
    last_used_at: str | None


class NewKey(Key):
    """An API key with its secret, `key`, which is told this once."""

    key: str
