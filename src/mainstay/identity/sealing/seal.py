"""How this room's secrets are sealed: as everything is that lies in a database."""

from mainstay.storage.sealing import Seal

__all__ = ["Seal"]
