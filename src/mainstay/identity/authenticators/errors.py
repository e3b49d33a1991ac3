"""Refusals about second factors. None of them says which part of a proof was wrong."""

from collections.abc import Sequence

from mainstay.base.errors import Conflict, FieldError, Forbidden, SignInRequired, Unavailable

# What acr_values name (OpenID PAPE 1.0 §4): more than one factor.
MULTI_FACTOR = "http://schemas.openid.net/pape/policies/2007/06/multi-factor"


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


class StepUpRequired(SignInRequired):
    """The proof of who is calling is too old, or too weak, for this (RFC 9470 §3)."""

    code = "insufficient_user_authentication"

    def __init__(self, max_age: int | None = None, *, second_factor: bool = False) -> None:
        super().__init__(
            "Prove with a second factor that it is you, at /auth/step-up."
            if second_factor
            else "Prove once more that it is you, at /auth/step-up."
        )
        challenge = 'Bearer realm="mainstay", error="insufficient_user_authentication"'
        challenge += f', error_description="{self.detail}"'
        if second_factor:
            challenge += f', acr_values="{MULTI_FACTOR}"'
            self.extra["acr_values"] = MULTI_FACTOR
        if max_age is not None:
            challenge += f', max_age="{max_age}"'
            self.extra["max_age"] = max_age
        self.headers["WWW-Authenticate"] = challenge


class EnrolmentRequired(Forbidden):
    """Your role needs a second factor: add one at /auth/factors, or sign in with the one you have."""

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
