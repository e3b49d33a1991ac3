"""Signing keys: one ring for every worker, sealed in the database.

KeyOptions(algorithm="RS256", rotate_days=30)      # what IdentityOptions(keys=…) takes
seal = Seal(master_key, "identity/totp")           # other values of the room, sealed in the same way
Column("sealed", Text8(), info=sealed("identity/totp", b"totp/", "user_id"))    # and found by reseal
"""

from mainstay.identity.sealing.sealed_column import SealedColumn, sealed
from mainstay.identity.signing.options import KeyOptions
from mainstay.storage.sealing import Seal

__all__ = ["KeyOptions", "Seal", "SealedColumn", "sealed"]
