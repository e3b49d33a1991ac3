"""Refusals about second factors. None of them says which part of a proof was wrong."""

from collections.abc import Sequence

from mainstay.base.errors import Conflict, FieldError, Forbidden, Unavailable
from mainstay.base.errors import StepUpRequired as StepUpRequired


class SecondFactorRequired(Forbidden):
    """This account has a second factor: show it at /auth/sign-in/factor."""

    code = "second_factor_required"

    def __init__(self, ticket: str, kind: str, methods: Sequence[str], seconds: int, cookie: str) -> None:
        told = {"methods": list(methods), "expires_in": seconds}
        # Pages get the ticket where no script reads it; it is of no use in any other browser.
        hidden = kind == "cookie"
        super().__init__(
            extra=told if hidden else {"ticket": ticket, **told}, headers={"Set-Cookie": cookie} if hidden else {}
        )
        self.cookies = (cookie,) if hidden else ()


class TicketRefused(Forbidden):
    """This second step was not begun here, is finished, was tried too often, or took too long: begin again."""

    code = "ticket_refused"


class FactorRefused(Forbidden):
    """This is not a second factor of the account, or was used before."""

    code = "factor_refused"


class PasskeyRefused(Forbidden):
    """What the authenticator sent could not be verified."""

    code = "passkey_refused"

    def __init__(self, why: str) -> None:
        super().__init__(fix=f"A passkey was refused: {why}.")
        self.why = why


class EnrolmentRequired(Forbidden):
    """Your role or this tenant needs a second factor: add one at /auth/factors, or sign in with the one you have."""

    code = "second_factor_enrolment_required"


class FactorThere(Conflict):
    """The account has an authenticator app already: remove it first."""

    code = "factor_there"


class PasskeyThere(Conflict):
    """This passkey is registered already."""

    code = "passkey_there"


class TooManyPasskeys(Conflict):
    """The account has as many passkeys as it may have: remove one first."""

    code = "too_many_passkeys"


class NoFactor(Conflict):
    """The account has no second factor."""

    code = "no_factor"


class LastWayIn(Conflict):
    """This is the only way into your account: set a password or add another passkey first."""

    code = "last_way_in"


class EngineMissing(Unavailable):
    """The library that this needs is not installed."""

    code = "factor_away"


def wrong_code(field: str) -> FactorRefused:
    """For a typed code: which of the body's fields it was."""
    message = "This code is not right, or was used before."
    return FactorRefused(message, errors=[FieldError(("body", field), "wrong_code", message)])
