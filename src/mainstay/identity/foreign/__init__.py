"""Access tokens that others issued: an app's own from before, or those of a trusted external issuer.

before = ForeignIssuer("https://old.example", ("shop",), ("HS256",), secret=Secret(os.environ["OLD_SECRET"]))
identity = Identity(..., options=IdentityOptions(issuers=(before,)))
await identity.foreign.link("https://old.example", "4711", user.id)
"""

from mainstay.identity.jose.foreign_issuer import ForeignIssuer

__all__ = ["ForeignIssuer"]
