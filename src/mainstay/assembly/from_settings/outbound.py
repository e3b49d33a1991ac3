"""Calls to other programs, from settings."""

from mainstay.assembly.settings import Settings
from mainstay.base.clock import Clock
from mainstay.base.errors import ConfigurationError
from mainstay.outbound import Outbound
from mainstay.telemetry import Telemetry


def outbound_of(settings: Settings, telemetry: Telemetry, clock: Clock) -> Outbound:
    """Raises ConfigurationError for networks that are none."""
    services = {name: each.given() for name, each in settings.outbound.items()}
    try:
        return Outbound({}, services, settings.fetch.options(), clock=clock, carry=telemetry.carry)
    except ValueError as error:
        raise ConfigurationError(
            f"MAINSTAY_FETCH__NETWORKS names something that is no network: {error}.",
            fix='Write networks as ["10.1.0.0/16"].',
        ) from None
