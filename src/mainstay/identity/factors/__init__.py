"""Second factors: authenticator apps, recovery codes, passkeys, and proving once more who one is.

Alone, in a plain FastAPI app beside the identity room:

    options = FactorOptions(rp_id="shop.example", origins=("https://shop.example",), required_for=frozenset({"admin"}))
    identity = Identity(database, system, key, IdentityOptions(factors=options))

    @app.post("/payouts")
    async def pay_out(user: Annotated[CurrentUser, Depends(require_second_factor(max_age=300))]) -> None: ...
"""

from mainstay.identity.authenticators.engine import is_installed
from mainstay.identity.authenticators.errors import EnrolmentRequired, SecondFactorRequired, StepUpRequired
from mainstay.identity.factors.recent_proof import require_recent, require_second_factor
from mainstay.identity.options import FactorOptions

__all__ = [
    "EnrolmentRequired",
    "FactorOptions",
    "SecondFactorRequired",
    "StepUpRequired",
    "is_installed",
    "require_recent",
    "require_second_factor",
]
