"""Limits: how many requests a user, key, tenant, address or route may have, exact over all processes.

Alone, in a plain FastAPI app:

    limiter = open_limiter(LimitsOptions(anonymous_tier="free"), redis_url=None)     # or redis://…, for all processes
    limit_requests(app, limiter)                                    # every request; 429 as problem+json, both headers

    @app.post("/reports", dependencies=[Depends(limited("5/minute"))])
    async def report(state: Annotated[LimitState, Depends(limit_state)]) -> str:
        return f"{state.remaining} of {state.limit} left until {state.resets_at}"

    limiter.replace(LimitsOptions(tiers={"free": "1000/hour"}))     # at once, for the next request
"""

from mainstay.limits.allowance import LimitState
from mainstay.limits.limiter import Limiter
from mainstay.limits.open import open_limiter
from mainstay.limits.options import LimitsOptions, Subject
from mainstay.limits.rate import Rate, RouteLimit
from mainstay.limits.routes import limit_requests, limit_state, limited

__all__ = [
    "LimitState",
    "Limiter",
    "LimitsOptions",
    "Rate",
    "RouteLimit",
    "Subject",
    "limit_requests",
    "limit_state",
    "limited",
    "open_limiter",
]
