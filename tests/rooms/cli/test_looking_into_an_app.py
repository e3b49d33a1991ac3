"""`mainstay openapi`, `explain` and `doctor`."""

import asyncio
import json

import asyncpg
import pytest
import yaml

from tests.databases import Urls
from tests.rooms.cli.shell import APP, Shell


def test_the_description_is_printed_as_json_or_yaml(shop: Shell) -> None:
    as_json = shop("openapi").json
    assert as_json["openapi"].startswith("3.1")
    assert "/api/v1/books" in as_json["paths"]
    assert yaml.safe_load(shop("openapi", "--yaml").out) == as_json
    assert not list(shop.folder.glob("*.db"))


def test_explain_says_who_may_and_why(shop_on_both: Shell) -> None:
    shop_on_both("users", "create", "-e", "eve@example.com", "-p", "correct horse battery", "-r", "editor")
    visitor = shop_on_both("explain", "app.py", "authors", "update", "--json")
    assert (visitor.code, visitor.json["allowed"]) == (0, False), visitor.err
    editor = shop_on_both("explain", "app.py", "authors", "update", "--as", "eve@example.com")
    assert "yes" in editor.out
    assert any(line.strip().startswith("TRUE") and "editor" in line for line in editor.out.splitlines())
    assert shop_on_both("explain", "app.py", "books", "read", "--json").json["allowed"] is None


def test_explain_says_what_has_to_be_proved_lately(shell: Shell) -> None:
    asks = APP.replace("anyone, field,", "anyone, field, second_factor,").replace(
        'write=role("editor"))', 'write=role("editor"), step_up={"delete": second_factor(60)})'
    )
    shell.write("app.py", asks)
    proof = shell("explain", "app.py", "authors", "delete", "--json").json["step_up"]
    assert proof == {"max_age": 60, "methods": ["mfa"]}
    assert "has to have proved it within 60 seconds by mfa" in shell("explain", "app.py", "authors", "delete").out
    assert shell("explain", "app.py", "authors", "update", "--json").json["step_up"] is None


def test_explain_looks_at_a_row(shop_on_both: Shell) -> None:
    shop_on_both.write("books.csv", "title,price,status\nOut,1,published\nIn,1,draft\n")
    shop_on_both("import", "app.py", "books", "books.csv")
    shop_on_both("export", "app.py", "books", "books.ndjson")
    rows = [json.loads(line) for line in (shop_on_both.folder / "books.ndjson").read_text().splitlines()]
    for row in rows:
        told = shop_on_both("explain", "app.py", "books", "read", "--id", row["id"], "--json")
        assert (told.code, told.json["allowed"]) == (0, row["status"] == "published"), told.err
    absent = shop_on_both("explain", "app.py", "books", "read", "--id", "00000000-0000-7000-8000-00000000ffff")
    assert absent.code == 1


def test_explain_refuses_strangers_and_unknown_actions(shop: Shell) -> None:
    assert shop("explain", "app.py", "books", "read", "--as", "nobody@example.com").code == 1
    assert shop("explain", "app.py", "books", "paint").code == 2


def test_doctor_finds_a_database_that_is_behind_and_changes_nothing(shop_on_both: Shell) -> None:
    behind = shop_on_both("doctor", "app.py", "--json")
    assert behind.code == 1
    assert {"migrations": "fail"}.items() <= {each["about"]: each["state"] for each in behind.json}.items()
    shop_on_both("migrate")
    well = shop_on_both("doctor", "app.py", "--json")
    assert well.code == 0, well.out
    assert all(each["state"] != "fail" for each in well.json)


def test_doctor_says_so_when_the_database_is_away(shop: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAINSTAY_DATABASE_URL", "postgresql://somebody:hunter2@127.0.0.1:1/nothing")
    away = shop("doctor", "--json")
    assert away.code == 1
    assert away.json[-1]["state"] == "fail"
    assert "hunter2" not in away.out


def test_doctor_finds_row_security_that_was_switched_off(
    shop: Shell, postgresql_urls: Urls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAINSTAY_DATABASE_URL", postgresql_urls.database_url)
    monkeypatch.setenv("MAINSTAY_DATABASE_SYSTEM_URL", postgresql_urls.system_url)
    assert shop("migrate").code == 0
    assert shop("doctor").code == 0
    asyncio.run(execute(postgresql_urls.system_url, "ALTER TABLE books NO FORCE ROW LEVEL SECURITY"))
    found = {each["about"]: each for each in shop("doctor", "--json").json}
    assert found["row security"]["state"] == "fail"
    assert "books" in found["row security"]["found"]


async def execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(statement)
    await connection.close()
