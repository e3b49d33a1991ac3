"""What goes wrong with calls to other programs.

Left uncaught in a route they become problems. Those of a service's transport are httpx errors as well.
"""

import httpx2

from mainstay.base.errors import Invalid, Unavailable


class ServiceAway(Unavailable, httpx2.TransportError):
    """A service that this answer depends on cannot be reached."""

    code = "service_away"


class ServiceLate(ServiceAway, httpx2.TimeoutException):
    """A service that this answer depends on took too long."""

    code = "service_late"


class AnswerRefused(ServiceAway):
    """A service answered with something that cannot be used: too much of it, or of another kind."""

    code = "service_answer_refused"


class AddressRefused(Invalid):
    """An address that may not be called from here."""  # why is for the log: it would tell of our network

    code = "address_refused"

    def __init__(self, why: str) -> None:
        super().__init__("This address may not be called from here.", fix=f"An address was not called: {why}.")
