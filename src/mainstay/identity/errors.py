"""Refusals of the identity room."""

from collections.abc import Iterable

from mainstay.base.errors import Conflict, FieldError, Forbidden, SignInRequired


class WrongCredentials(SignInRequired):
    """The e-mail address or the password is wrong."""  # also: no such account, a shut one, an unconfirmed one

    code = "wrong_credentials"

    def __init__(self) -> None:
        super().__init__("The e-mail address or the password is wrong.")


class PasswordRefused(Conflict):
    """The password is one that somebody would guess; `errors` says why."""

    code = "password_refused"

    def __init__(self, field: str, code: str, message: str) -> None:
        super().__init__(message, errors=[FieldError(("body", field), code, message)])


class WrongPassword(Forbidden):
    """The password sent along to confirm a change is not that of the account."""

    code = "wrong_password"


class LetterRefused(Forbidden):
    """The link or code of a letter is unknown, used up, or too old."""

    code = "letter_refused"

    def __init__(self) -> None:
        super().__init__("This link or code does not hold, or not any more; ask for another.")


class UsernameTaken(Conflict):
    """Somebody else has this username, or nobody may."""

    code = "username_taken"

    def __init__(self) -> None:
        message = "This username is taken."
        super().__init__(message, errors=[FieldError(("body", "username"), "username_taken", message)])


class RefreshRefused(SignInRequired):
    """The refresh token opens no session."""

    code = "refresh_refused"

    def __init__(self) -> None:
        super().__init__("This refresh token is not valid any more; sign in again.", error="invalid_token")


class SessionEnded(SignInRequired):
    """The cookie of this request opens no session."""

    code = "session_ended"

    def __init__(self, detail: str = "This session has ended; sign in again.") -> None:
        super().__init__(detail, error="invalid_token")


class EmailTaken(Conflict):
    """An account with this e-mail address exists."""

    code = "email_taken"

    def __init__(self) -> None:
        message = "An account with this e-mail address exists."
        super().__init__(message, errors=[FieldError(("body", "email"), "email_taken", message)])


class AlreadyDone(Conflict):
    """This was to be done once, and has been."""

    code = "already_done"


class ScopeRefused(Forbidden):
    """None of the scopes asked for can be granted."""

    code = "invalid_scope"

    def __init__(self, wanted: Iterable[str]) -> None:
        super().__init__(
            "None of the scopes asked for can be granted to this account.", extra={"missing_scopes": sorted(wanted)}
        )
