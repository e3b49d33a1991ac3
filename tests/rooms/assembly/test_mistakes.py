"""What somebody gets wrong in an app file or a setting is said at the start, with what to do."""

from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Depends, Security
from sqlalchemy.orm import Mapped

from mainstay import Mainstay, Resource, field
from mainstay.assembly import Settings
from mainstay.base.errors import ConfigurationError
from mainstay.identity import CurrentUser, current_user, require_any_scope, require_scopes
from mainstay.storage.database import open_database
from mainstay.storage.options import DatabaseOptions
from tests.databases import Urls
from tests.journeys.shop import settings_for, shop


@pytest.mark.parametrize(
    "wanted",
    [
        Security(current_user, scopes=["boks:read"]),
        Depends(require_scopes("boks:read")),
        Depends(require_any_scope("books:read", "boks:read")),
    ],
)
async def test_a_scope_that_nobody_declared_stops_the_app_with_the_nearest_name(sqlite_urls: Urls, wanted: Any) -> None:
    app, router = shop(sqlite_urls), APIRouter()

    async def between(user: Annotated[CurrentUser, wanted]) -> CurrentUser:
        return user

    @router.get("/mine")
    async def mine(user: Annotated[CurrentUser, Depends(between)]) -> str:
        return str(user.id)

    app.include_router(router, prefix="/own")
    with pytest.raises(ConfigurationError, match=r"/own/mine asks for the scope boks:read.*Did you mean books:read"):
        async with app.running():
            pass


async def test_scopes_of_another_scheme_are_its_own_business(sqlite_urls: Urls) -> None:
    app = shop(sqlite_urls)

    async def theirs() -> str:
        return "ok"

    @app.get("/theirs")
    async def read(found: Annotated[str, Security(theirs, scopes=["anything:at-all"])]) -> str:
        return found

    async with app.running():
        pass


def test_a_default_of_another_kind_is_refused(sqlite_urls: Urls) -> None:
    class Crate(Resource):
        __tablename__ = "crates_of_mistakes"
        size: Mapped[int] = field(default="abc")

    app = Mainstay(resources=[Crate], settings=settings_for(sqlite_urls))
    with pytest.raises(ConfigurationError, match=r"Crate\.size has the default 'abc', which is no value of it"):
        _ = app.rooms


@pytest.mark.parametrize(
    ("setting", "value", "told"),
    [
        ("MAINSTAY_ACCOUNTS__VERIFY_HOUR", "3", "Did you mean MAINSTAY_ACCOUNTS__VERIFY_HOURS"),
        ("MAINSTAY_PUBLIC_URL", "shop.example", "MAINSTAY_PUBLIC_URL cannot be used"),
        ("MAINSTAY_PUBLIC_URL", "https://ada:secret@shop.example", "MAINSTAY_PUBLIC_URL cannot be used"),
    ],
)
def test_a_setting_that_is_wrong_is_named(monkeypatch: pytest.MonkeyPatch, setting: str, value: str, told: str) -> None:
    monkeypatch.setenv(setting, value)
    with pytest.raises(ConfigurationError, match=told):
        Settings()


async def test_tiers_are_read_also_while_nothing_is_counted(sqlite_urls: Urls) -> None:
    app = shop(sqlite_urls, settings=settings_for(sqlite_urls, limits_tiers={"free": "lots"}))
    with pytest.raises(ConfigurationError, match="'lots' is not a limit"):
        async with app.running():
            pass


def test_limits_that_are_no_options_are_refused_with_an_example(sqlite_urls: Urls) -> None:
    app = Mainstay(settings=settings_for(sqlite_urls), limits={"free": "1/hour"})  # type: ignore[arg-type]  # the mistake
    with pytest.raises(ConfigurationError, match=r"limits=LimitsOptions"):
        _ = app.rooms


def test_postgres_is_another_name_of_postgresql() -> None:
    assert open_database(DatabaseOptions(url="postgres://ada@127.0.0.1/shop")).name == "postgresql"
