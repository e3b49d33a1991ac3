"""What can be set about signing keys."""

from dataclasses import dataclass

from mainstay.identity.signing.signing_key import Algorithm


@dataclass(frozen=True, slots=True)
class KeyOptions:
    """How long keys sign, and how long they are published before and after.

    `rotate_days` of 0 rotates only by command. A key is in the key set for `publish_seconds` before it signs, so that
    whoever keeps a copy of the set knows it in time, and verifies for `overlap_seconds` after it stopped signing, or
    for as long as an access token lives, whichever is longer.
    """

    algorithm: Algorithm = "ES256"
    rotate_days: float = 90
    publish_seconds: int = 86_400
    overlap_seconds: int = 3600
    # How often each worker looks whether a rotation is due; one of them does it.
    look_seconds: float = 60.0
