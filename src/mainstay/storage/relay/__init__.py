"""Events after the commit: one process of all numbers them and hands them on, the others stand by."""

from mainstay.storage.ports import Held
from mainstay.storage.relay.leader import Leader
from mainstay.storage.relay.relay import Relay, RelayOptions

__all__ = ["Held", "Leader", "Relay", "RelayOptions"]
