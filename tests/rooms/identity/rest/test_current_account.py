"""Who is calling, told to the app's own routes."""

from dataclasses import asdict
from typing import Annotated, Any

import pytest
from fastapi import Depends, FastAPI, Security
from fastapi.testclient import TestClient

from mainstay import CurrentAccount, current_account
from mainstay.base.actor import Actor
from mainstay.base.context import Caller, acting
from mainstay.base.errors import ConfigurationError
from mainstay.base.ids import request_id, uuid7
from tests.databases import Urls
from tests.rooms.identity.rest.company import company, key_headers
from tests.rooms.identity.rest.test_profiles import Profile

Whole = Annotated[CurrentAccount, Depends(current_account)]
Reads = Annotated[CurrentAccount, Security(current_account, scopes=["profile:read"])]


def test_a_route_is_told_who_is_calling(urls: Urls) -> None:
    with company(urls, user=Profile) as backend:

        @backend.app.get("/whole")
        async def whole(account: Whole) -> dict[str, Any]:
            return asdict(account)

        @backend.app.get("/held")
        async def held(account: Reads) -> str:
            return account.email

        acme = backend.tenant("acme")
        ada, boss = acme.as_user("ada"), acme.as_user("boss", ["admin"])
        profile = {"company": None, "badge": None, "plan": "free", "may_publish": False}
        assert ada.get("/whole").json() == {
            "id": str(ada.id), "email": "ada@example.com", "email_verified": True, "username": None,
            "display_name": None, "language": None, "profile": profile,
        }  # fmt: skip
        ada.patch("/auth/me", json={"username": "ada", "language": "de"})
        boss.patch(f"/auth/users/{ada.id}", json={"profile": {"plan": "paid", "remarks": "a good one"}})
        told = ada.get("/whole").json()
        assert (told["username"], told["language"], told["profile"]) == ("ada", "de", profile | {"plan": "paid"})
        assert acme.anonymous.get("/whole").status_code == 401
        key = ada.post("/auth/keys", json={"name": "x", "scopes": ["notes:read"]}).json()["key"]
        assert backend.client.get("/whole", headers=key_headers(key)).status_code == 200
        refused = backend.client.get("/held", headers=key_headers(key))
        assert (refused.status_code, refused.json()["missing_scopes"]) == (403, ["profile:read"])
        robot = boss.post("/auth/service-accounts", json={"name": "robot"}).json()["id"]
        made = boss.post(f"/auth/service-accounts/{robot}/keys", json={"name": "x", "scopes": ["notes:read"]}).json()
        nobody = backend.client.get("/whole", headers=key_headers(made["key"]))
        assert (nobody.status_code, nobody.json()["code"]) == (403, "account_required")


def test_without_a_profile_there_is_none_and_without_an_identity_a_sentence(urls: Urls) -> None:
    with company(urls) as backend:

        @backend.app.get("/whole")
        async def whole(account: Whole) -> dict[str, Any]:
            return asdict(account)

        assert backend.tenant("acme").as_user("ada").get("/whole").json()["profile"] == {}
    alone = FastAPI()
    alone.get("/whole")(whole)
    refused = pytest.raises(ConfigurationError, match=r"app\.state\.identity")
    with acting(Caller(Actor(uuid7()), None, request_id())), TestClient(alone) as client, refused:
        client.get("/whole")
