"""Identity meets calls to other programs: how issuers are asked for their metadata, keys and tokens."""

from mainstay.identity.ports import Fetch
from mainstay.outbound import Outbound


def fetch_of(outbound: Outbound) -> Fetch:
    """The fetcher for strangers' addresses: an issuer's metadata may name any."""
    return outbound.fetcher.fetch
