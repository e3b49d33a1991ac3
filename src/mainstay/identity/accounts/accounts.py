"""What users do about their own accounts, for callers."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Unpack
from uuid import UUID

from mainstay.identity.accounts import (
    change_password,
    change_profile,
    delete_account,
    find_user,
    import_user,
    sign_up,
)
from mainstay.identity.accounts.by_mail import change_email, reset_password, sign_in_by_mail, verify_email
from mainstay.identity.accounts.erase_rows import OwnRows
from mainstay.identity.accounts.personal_rows import export_account
from mainstay.identity.accounts.sweep import Sweep
from mainstay.identity.accounts.user import User
from mainstay.identity.accounts.wishes import NewSession
from mainstay.identity.catalogue import USER
from mainstay.identity.room import Room
from mainstay.identity.sessions.session import Tokens


class Accounts:
    """Signing up, confirming, resetting, changing, deleting. `client_address` is where the request comes from.

    What is asked for by somebody who has not proved who they are answers nothing, and takes as long, whether or not
    there is such an account.
    """

    def __init__(self, room: Room) -> None:
        self._room = room
        self.sweep = Sweep(room, OwnRows(room))

    async def sign_up(
        self,
        email: str,
        password: str,
        *,
        username: str | None = None,
        display_name: str | None = None,
        language: str | None = None,
        profile: Mapping[str, Any] | None = None,
        client_address: str | None = None,
    ) -> None:
        """Ask for an account: a letter follows. Raises Invalid, PasswordRefused, UsernameTaken, TooManyRequests."""
        await sign_up.sign_up(
            self._room,
            email,
            password,
            username=username,
            display_name=display_name,
            language=language,
            profile=profile,
            client_address=client_address,
        )

    async def verify_email(self, token: str) -> User:
        """By the letter's token. Raises LetterRefused, EmailTaken."""
        return await verify_email.verify_email(self._room, token)

    async def send_verification(self, email: str, client_address: str | None = None) -> None:
        """Send that letter again. Raises TooManyRequests."""
        await verify_email.send_again(self._room, email, client_address)

    async def ask_for_reset(self, email: str, client_address: str | None = None) -> None:
        """Send the letter that sets a new password. Raises TooManyRequests."""
        await reset_password.ask_for_reset(self._room, email, client_address)

    async def reset_password(self, token: str, password: str, client_address: str | None = None) -> None:
        """By the letter's token; every session ends. Raises LetterRefused, Invalid, PasswordRefused."""
        await reset_password.reset_password(self._room, token, password, client_address)

    async def has_password(self, user_id: UUID) -> bool:
        """Whether there is one to sign in with."""
        return await find_user.has_password(self._room, user_id)

    async def change_password(
        self, user_id: UUID, session_id: UUID, current: str, new: str, client_address: str | None = None
    ) -> None:
        """Every other session ends. Raises WrongPassword, Invalid, PasswordRefused, TooManyRequests."""
        await change_password.change_password(self._room, user_id, session_id, current, new, client_address)

    async def ask_for_email(self, user_id: UUID, email: str, password: str, client_address: str | None = None) -> None:
        """Send the letter to the new address. Raises Invalid, WrongPassword, TooManyRequests."""
        await change_email.ask_for_change(self._room, user_id, email, password, client_address)

    async def confirm_email(self, token: str) -> User:
        """By the letter's token. Raises LetterRefused, EmailTaken."""
        return await change_email.confirm_change(self._room, token)

    async def ask_for_sign_in(self, email: str, client_address: str | None = None, *, code_only: bool = False) -> str:
        """Send a link and a code, good together with the secret that is answered. Raises TooManyRequests."""
        return await sign_in_by_mail.ask_for_letter(self._room, email, client_address, code_only=code_only)

    async def sign_in_by_mail(self, request: str, proof: str, **wishes: Unpack[NewSession]) -> Tokens:
        """By the secret and the letter's token or code. Raises LetterRefused, NotFound, Forbidden, ScopeRefused."""
        return await sign_in_by_mail.sign_in_by_mail(self._room, request, proof, **wishes)

    async def change_profile(self, user_id: UUID, changes: Mapping[str, str | None]) -> User:
        """Change `username`, `display_name`, `language`; None takes one away. Raises Invalid, UsernameTaken."""
        return await change_profile.change_profile(self._room, user_id, changes)

    async def delete(self, user_id: UUID, password: str, client_address: str | None = None) -> datetime:
        """When it will be erased, unless its user signs in before. Raises WrongPassword, TooManyRequests."""
        return await delete_account.delete_own_account(self._room, user_id, password, client_address)

    async def schedule_deletion(self, user_id: UUID) -> datetime:
        """As `delete`, for an operator. Raises NotFound."""
        return await delete_account.schedule_deletion(self._room, user_id)

    async def close_now(self, user_id: UUID) -> None:
        """Shut it for good, without a time of grace; whatever is not erased yet, the next sweep is. Raises NotFound."""
        await delete_account.close_now(self._room, user_id)

    async def export(self, user_id: UUID) -> dict[str, Any]:
        """What this room holds about the user, by table; no secrets."""
        return await export_account(self._room, user_id)

    async def erase_rows(self, user_id: UUID) -> int:
        """Give up what this room holds about the user; answers 1. Done again, it does nothing."""
        await OwnRows(self._room).erase(user_id)
        return 1

    async def import_user(
        self, row: Mapping[str, Any], roles: Sequence[str] = (USER,), tenant: UUID | None = None
    ) -> User | None:
        """A user from elsewhere; None where there is one already. Raises Invalid, ConfigurationError."""
        return await import_user.import_user(self._room, row, roles, tenant)
