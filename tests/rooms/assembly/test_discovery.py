"""What a client app finds out before it asks for rows."""

from sqlalchemy.orm import Mapped

from mainstay import Access, Mainstay, Resource, anyone, field, role
from tests.databases import Urls
from tests.journeys.shop import KEY, PASSWORD, settings_for, shop, visiting


class Office(Resource, family=True):
    __abstract__ = True


class Ledger(Office):
    """For administrators, as nobody else was named."""

    __tablename__ = "ledgers"
    line: Mapped[str] = field(max_length=40)


class Leaflet(Office):
    """For everybody."""

    __tablename__ = "leaflets"
    __access__ = Access(read=anyone, write=role("editor"))
    text: Mapped[str] = field(max_length=40)


async def test_the_resources_are_those_of_which_the_caller_may_read_something(sqlite_urls: Urls) -> None:
    app = shop(sqlite_urls)
    async with visiting(app) as client:
        seen = (await client.get("/api/v1")).json()
        assert seen["batch"] == "/api/v1/batch"
        assert [each["name"] for each in seen["resources"]] == ["authors", "books"]
        for each in seen["resources"]:
            assert (await client.get(each["url"])).status_code == 200
        document = (await client.get("/openapi.json")).json()
        assert {"/api/v1", "/config"} <= set(document["paths"])


async def test_nobody_is_told_of_a_resource_that_is_not_for_them(sqlite_urls: Urls) -> None:
    app = Mainstay(resources=[Ledger, Leaflet], settings=settings_for(sqlite_urls))
    async with visiting(app) as client:
        assert [each["name"] for each in (await client.get("/api/v1")).json()["resources"]] == ["leaflets"]
        await app.rooms.identity.create_user("ada@example.com", PASSWORD, roles=("admin",))
        signed = await client.post("/auth/sign-in", json={"email": "ada@example.com", "password": PASSWORD})
        headers = {"Authorization": f"Bearer {signed.json()['access_token']}"}
        seen = (await client.get("/api/v1", headers=headers)).json()
        assert [each["name"] for each in seen["resources"]] == ["ledgers", "leaflets"]
        assert seen["resources"][1] == {
            "name": "leaflets",
            "url": "/api/v1/leaflets",
            "description": "For everybody.",
        }


async def test_the_config_holds_what_a_client_app_needs_and_nothing_else(sqlite_urls: Urls) -> None:
    app = shop(sqlite_urls, title="Shop")
    async with visiting(app) as client:
        answer = await client.get("/config")
        assert answer.json() == {
            "title": "Shop",
            "version": "0.1.0",
            "environment": "testing",
            "api": "/api/v1",
            "sign_up": True,
            "tenant_from": "default",
            "docs": "/docs",
            "openapi": "/openapi.json",
            "bounds": {"body_bytes": 1_048_576, "rows": 1000, "operations": 100},
        }
        assert KEY not in answer.text
        assert sqlite_urls.database_url not in answer.text
        refused = await client.post("/config", json={})
        assert (refused.status_code, refused.headers["allow"]) == (405, "GET")


async def test_a_route_of_the_app_s_own_at_config_stays_alone_there(sqlite_urls: Urls) -> None:
    app = shop(sqlite_urls)

    @app.get("/config")
    def config() -> dict[str, str]:
        return {"mine": "yes"}

    async with visiting(app) as client:
        assert (await client.get("/config")).json() == {"mine": "yes"}
        assert (await client.get("/openapi.json")).json()["paths"]["/config"]["get"]["operationId"] != "config"
