"""What somebody gets wrong in an app file or a setting is said at the start, with what to do."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Depends, Security
from sqlalchemy.orm import Mapped

from mainstay import Mainstay, Resource, field
from mainstay.assembly import Settings
from mainstay.base.errors import ConfigurationError
from mainstay.identity import CurrentUser, current_user, require_any_scope, require_scopes
from mainstay.limits import limited
from mainstay.model import Options
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


async def test_a_limit_that_would_not_hold_stops_the_app(sqlite_urls: Urls) -> None:
    class Parcel(Resource):
        __tablename__ = "parcels_of_mistakes"
        __api__ = Options(limits={"create": "1/minute"})
        name: Mapped[str] = field()

    app = Mainstay(resources=[Parcel], settings=settings_for(sqlite_urls))
    with pytest.raises(ConfigurationError, match=r"parcels_of_mistakes is held to a limit.*limits are off"):
        _ = app.rooms
    for chosen in (True, False):
        assert Mainstay(resources=[Parcel], settings=settings_for(sqlite_urls, limits=chosen)).rooms.counts
    own = shop(sqlite_urls)

    @own.get("/dear", dependencies=[Depends(limited("1/minute"))])
    async def dear() -> str:
        return "ok"

    with pytest.raises(ConfigurationError, match=r"/dear is held to 1/minute, and limits are off"):
        async with own.running():
            pass


def test_a_second_factor_for_a_role_that_nobody_can_hold_is_refused(sqlite_urls: Urls) -> None:
    app = shop(sqlite_urls, settings=settings_for(sqlite_urls, factors={"required_for": ["admn"]}))
    with pytest.raises(ConfigurationError, match=r"REQUIRED_FOR names admn.*Did you mean admin"):
        _ = app.rooms


def test_a_field_without_mapped_is_told_how_to_write_it() -> None:
    with pytest.raises(ConfigurationError, match=r"Sack\.title is annotated with str\. Write title: Mapped\[str\]"):

        class Sack(Resource):
            __tablename__ = "sacks_of_mistakes"
            title: str = field()  # type: ignore[assignment]  # the mistake


async def test_migrating_with_a_role_that_may_make_no_tables_names_the_setting(postgresql_urls: Urls) -> None:
    app = shop(replace(postgresql_urls, system_url=postgresql_urls.database_url))
    with pytest.raises(ConfigurationError, match=r"permission denied.*MAINSTAY_DATABASE_SYSTEM_URL.*GRANT CREATE"):
        await app.rooms.migrations.upgrade()


async def test_a_new_file_is_for_its_owner_and_group_alone(sqlite_urls: Urls, tmp_path: Path) -> None:
    async with shop(replace(sqlite_urls, database_url=f"sqlite:///{tmp_path}/new.db")).running():
        for name in ("new.db", "new.db-wal", "new.db-shm"):
            assert (tmp_path / name).stat().st_mode & 0o007 == 0, name


def test_limits_that_are_no_options_are_refused_with_an_example(sqlite_urls: Urls) -> None:
    app = Mainstay(settings=settings_for(sqlite_urls), limits={"free": "1/hour"})  # type: ignore[arg-type]  # the mistake
    with pytest.raises(ConfigurationError, match=r"limits=LimitsOptions"):
        _ = app.rooms


def test_postgres_is_another_name_of_postgresql() -> None:
    assert open_database(DatabaseOptions(url="postgres://ada@127.0.0.1/shop")).name == "postgresql"
