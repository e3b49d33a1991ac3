"""Refusals of signing in with others. Their codes reach front ends as `?error=`; what a provider said never does."""

from mainstay.base.errors import BadRequest, Conflict, Forbidden, SignInRequired, Unavailable


class PendingRefused(BadRequest):
    """This sign-in was not begun in this browser, or has been finished, or took too long."""

    code = "federation_state"

    def __init__(self) -> None:
        super().__init__("This sign-in was not begun in this browser, is finished, or took too long. Begin again.")


class ReturnRefused(BadRequest):
    """`return_to` leads away from the app."""

    code = "federation_return_to"

    def __init__(self) -> None:
        super().__init__("return_to is a path of this app, or an address of a front end that is registered with it.")


class ProviderRefused(Forbidden):
    """The provider let nobody in."""

    code = "federation_denied"


class ProofRefused(Forbidden):
    """What the provider sent proves nothing."""  # which check failed is for the log

    code = "federation_proof"

    def __init__(self, why: str) -> None:
        super().__init__(
            "What the provider sent could not be verified.", fix=f"A federated sign-in was refused: {why}."
        )


class NotAdmitted(Forbidden):
    """Accounts of this kind may not enter here."""

    code = "federation_not_admitted"


class EmailUnproved(Forbidden):
    """The provider does not vouch for an e-mail address, so that no account can be made."""

    code = "federation_email_unverified"

    def __init__(self) -> None:
        super().__init__(
            "The provider does not vouch for an e-mail address. Sign up here with yours, then link the provider to"
            " your account."
        )


class AccountThere(Conflict):
    """An account with this e-mail address exists, and is not linked."""

    code = "federation_email_taken"

    def __init__(self) -> None:
        super().__init__(
            "There is an account with this e-mail address. Sign in to it as before, then link the provider to it."
        )


class SignUpClosed(Forbidden):
    """No accounts are made by signing in with this provider."""

    code = "federation_sign_up_closed"


class LinkedElsewhere(Conflict):
    """This identity belongs to another account."""

    code = "federation_linked"

    def __init__(self) -> None:
        super().__init__("This identity is linked to another account.")


class LastWayIn(Conflict):
    """Without it nobody could sign in to this account any more."""

    code = "federation_last"

    def __init__(self) -> None:
        super().__init__("This is the only way into your account. Set a password first, or link another provider.")


class FreshSignInRequired(SignInRequired):
    """The proof of who is calling is too old for this (RFC 9470)."""

    code = "fresh_sign_in_required"

    def __init__(self, seconds: int) -> None:
        super().__init__("Sign in again to change how your account is entered.")
        challenge = f'Bearer realm="mainstay", error="insufficient_user_authentication", max_age="{seconds}"'
        self.headers["WWW-Authenticate"] = challenge


class ProviderAway(Unavailable):
    """The provider does not answer as its protocol wants."""

    code = "federation_away"

    def __init__(self, why: str) -> None:
        super().__init__("The provider does not answer as it should. Try again later.", fix=why)
