"""Signing keys: one ring for every worker, sealed in the database.

KeyOptions(algorithm="RS256", rotate_days=30)      # what IdentityOptions(keys=…) takes
seal = Seal(master_key, "identity/totp")           # other values of the room, sealed in the same way
Column("sealed", Text8(), info=sealed("identity/totp", b"totp/", "user_id"))    # and found by reseal
"""

from mainstay.identity.keys.options import KeyOptions
from mainstay.identity.keys.seal import Seal
from mainstay.identity.keys.sealed_column import SealedColumn, sealed

__all__ = ["KeyOptions", "Seal", "SealedColumn", "sealed"]
