"""Refusals of the identity room."""

from collections.abc import Iterable

from mainstay.base.errors import Conflict, FieldError, Forbidden, SignInRequired


class WrongCredentials(SignInRequired):
    """The e-mail address or the password is wrong."""  # also for an account that does not exist or is shut

    code = "wrong_credentials"

    def __init__(self) -> None:
        super().__init__("The e-mail address or the password is wrong.")


class RefreshRefused(SignInRequired):
    """The refresh token opens no session."""

    code = "refresh_refused"

    def __init__(self) -> None:
        super().__init__("This refresh token is not valid any more; sign in again.", error="invalid_token")


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
