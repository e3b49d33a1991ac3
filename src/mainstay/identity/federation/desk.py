"""What every flow of this area works with."""

from dataclasses import dataclass

from mainstay.base.errors import NotFound
from mainstay.base.secret import MasterKey
from mainstay.identity.federation.options import FederationOptions, Provider
from mainstay.identity.federation.pending import LABEL
from mainstay.identity.federation.tables import TOKENS_LABEL
from mainstay.identity.federation.upstream.issuers import Issuers
from mainstay.identity.room import Room
from mainstay.storage.sealing import Seal


@dataclass(frozen=True, slots=True)
class Desk:
    """The room, the providers, and the seals under which browsers and rows keep what is nobody else's."""

    room: Room
    options: FederationOptions
    issuers: Issuers
    pending: Seal
    tokens: Seal

    def provider(self, name: str) -> Provider:
        """Raises NotFound."""
        for each in self.options.providers:
            if each.name == name:
                return each
        raise NotFound("There is no such provider.")


def desk_of(room: Room, options: FederationOptions, master: MasterKey) -> Desk:
    return Desk(room, options, Issuers(room.fetch, room.clock), Seal(master, LABEL), Seal(master, TOKENS_LABEL))
