"""Calls to other programs: a pooled client for each service, and safe fetching from addresses that strangers gave.

Alone, in a plain FastAPI app:

    outbound = Outbound({"rates": ServiceOptions(base_url="https://rates.example/v1", retries=3)})
    calling = Calling(lambda: outbound)                             # await outbound.close() in the app's lifespan

    @app.get("/rates")
    async def rates(rates: Annotated[httpx2.AsyncClient, Depends(calling("rates"))]) -> Any:
        return (await rates.get("/latest")).raise_for_status().json()

    logo = await outbound.fetcher.fetch(url_of_a_stranger, accept=["image/png"])
"""

from mainstay.outbound.dependency import Calling
from mainstay.outbound.errors import AddressRefused, AnswerRefused, ServiceAway, ServiceLate
from mainstay.outbound.fetching import ORIGINAL, Fetched, Fetcher
from mainstay.outbound.options import FetchOptions, ServiceOptions, TokenOptions
from mainstay.outbound.outbound import Outbound

__all__ = [
    "ORIGINAL",
    "AddressRefused",
    "AnswerRefused",
    "Calling",
    "FetchOptions",
    "Fetched",
    "Fetcher",
    "Outbound",
    "ServiceAway",
    "ServiceLate",
    "ServiceOptions",
    "TokenOptions",
]
