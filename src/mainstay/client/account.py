"""One's own account: letters and passwords, second factors, sessions, API keys.

Arguments are named as in the bodies of docs/reference/identity.md. Every method raises Problem and Unreachable.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import quote

from mainstay.client.answers import Begun, Device, Held, Key, Me, NewKey, User
from mainstay.client.face import Face, Operation
from mainstay.client.steps import Flow

D = TypeVar("D")


class Account(Face[D]):
    """Who one is, and how one gets in."""

    @Operation
    def me(self) -> Flow[Me]:
        return self._told("GET", "/auth/me")

    @Operation
    def update(self, /, **changes: str | None) -> Flow[User]:
        """`username`, `display_name`, `language`: what is left out stays, None takes away."""
        return self._told("PATCH", "/auth/me", changes)

    @Operation
    def profile(self) -> Flow[dict[str, Any]]:
        """The app's own fields."""
        return self._told("GET", "/auth/me/profile")

    @Operation
    def update_profile(self, changes: Mapping[str, Any]) -> Flow[dict[str, Any]]:
        return self._told("PATCH", "/auth/me/profile", changes)

    @Operation
    def preferences(self) -> Flow[dict[str, Any]]:
        return self._told("GET", "/auth/me/preferences")

    @Operation
    def update_preferences(self, changes: Mapping[str, Any]) -> Flow[dict[str, Any]]:
        return self._told("PATCH", "/auth/me/preferences", changes)

    @Operation
    def verify_email(self, token: str) -> Flow[User]:
        """With the letter's token; then sign in."""
        return self._told("POST", "/auth/verify-email", {"token": token}, anonymous=True)

    @Operation
    def resend_verification(self, email: str) -> Flow[None]:
        yield from self._told("POST", "/auth/verify-email/resend", {"email": email}, anonymous=True)

    @Operation
    def forgot_password(self, email: str) -> Flow[None]:
        """Ask for the letter that sets a new password. Nobody is told whether there is an account."""
        yield from self._told("POST", "/auth/password/forgot", {"email": email}, anonymous=True)

    @Operation
    def reset_password(self, token: str, password: str) -> Flow[None]:
        """With that letter's token. All of the account's sessions end."""
        body = {"token": token, "password": password}
        yield from self._told("POST", "/auth/password/reset", body, anonymous=True)

    @Operation
    def change_password(self, current_password: str, new_password: str) -> Flow[None]:
        """All other sessions end."""
        body = {"current_password": current_password, "new_password": new_password}
        yield from self._told("POST", "/auth/password", body)

    @Operation
    def change_email(self, email: str, password: str) -> Flow[None]:
        """A letter goes to the new address; its token is for `confirm_email`."""
        yield from self._told("POST", "/auth/email", {"email": email, "password": password})

    @Operation
    def confirm_email(self, token: str) -> Flow[User]:
        return self._told("POST", "/auth/email/confirm", {"token": token}, anonymous=True)

    @Operation
    def delete(self, password: str) -> Flow[str]:
        """When it is erased. Every session ends now; whoever signs in before that keeps the account."""
        found = yield from self._told("POST", "/auth/me/delete", {"password": password})
        self._session.kept.end("signed-out")
        return str(found["deletion_at"])


class Factors(Face[D]):
    """One's second factors. Changing them wants a proof of lately: `on_step_up` is asked for one."""

    @Operation
    def get(self) -> Flow[Held]:
        return self._told("GET", "/auth/factors")

    @Operation
    def begin_totp(self) -> Flow[Begun]:
        """Have an authenticator app scan the picture; `confirm_totp` takes a code of it."""
        return self._told("POST", "/auth/factors/totp")

    @Operation
    def confirm_totp(self, code: str) -> Flow[list[str]]:
        """The recovery codes, with the first factor: told this once."""
        found = yield from self._told("POST", "/auth/factors/totp/confirm", {"code": code})
        return list(found["recovery_codes"] or ())

    @Operation
    def remove_totp(self) -> Flow[None]:
        yield from self._told("DELETE", "/auth/factors/totp")

    @Operation
    def new_recovery_codes(self) -> Flow[list[str]]:
        """Those before are void."""
        found = yield from self._told("POST", "/auth/factors/recovery-codes")
        return list(found["recovery_codes"])

    @Operation
    def rename_passkey(self, id: str, name: str) -> Flow[None]:
        yield from self._told("PATCH", f"/auth/factors/passkeys/{quote(id, safe='')}", {"name": name})

    @Operation
    def remove_passkey(self, id: str) -> Flow[None]:
        yield from self._told("DELETE", f"/auth/factors/passkeys/{quote(id, safe='')}")


class Sessions(Face[D]):
    """Where one is signed in."""

    @Operation
    def all(self) -> Flow[list[Device]]:
        """The one that was used last first."""
        return self._items("/auth/sessions")

    @Operation
    def end(self, id: str) -> Flow[None]:
        yield from self._told("DELETE", f"/auth/sessions/{quote(id, safe='')}")


class Keys(Face[D]):
    """One's API keys in this tenant."""

    @Operation
    def all(self) -> Flow[list[Key]]:
        return self._items("/auth/keys")

    @Operation
    def get(self, id: str) -> Flow[Key]:
        return self._told("GET", f"/auth/keys/{quote(id, safe='')}")

    @Operation
    def create(self, name: str, scopes: Sequence[str], expires_at: datetime | None = None) -> Flow[NewKey]:
        """`key` is told this once. `expires_at` has a time zone; without it the key lasts until it is revoked."""
        body = {"name": name, "scopes": list(scopes), "expires_at": expires_at}
        return self._told("POST", "/auth/keys", body)

    @Operation
    def rotate(self, id: str, overlap: int | None = None) -> Flow[NewKey]:
        """A new secret; the old one is good for `overlap` seconds more."""
        return self._told("POST", f"/auth/keys/{quote(id, safe='')}/rotate", {"overlap": overlap})

    @Operation
    def revoke(self, id: str) -> Flow[None]:
        yield from self._told("DELETE", f"/auth/keys/{quote(id, safe='')}")
