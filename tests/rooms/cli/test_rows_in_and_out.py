"""`mainstay import` and `mainstay export`."""

import asyncio
import json

import asyncpg
import pysqlite3  # type: ignore[import-untyped]  # it has no stubs
import pytest

from tests.databases import Urls
from tests.rooms.cli.shell import Shell

BOOKS = "title,price,status\nInvisible Cities,9.90,published\nFree lunch,0,published\nNotes,12.50,draft\n"


def test_rows_go_in_and_come_out_the_same(shop_on_both: Shell) -> None:
    shop_on_both.write("books.csv", BOOKS)
    first = shop_on_both("import", "app.py", "books", "books.csv", "--json")
    assert first.code == 1
    told = first.json
    assert (told["created"], told["refused"], told["report"]) == (2, 1, "books.csv.refused.ndjson")
    refused = json.loads((shop_on_both.folder / told["report"]).read_text())
    assert refused["line"] == 3
    assert "price" in refused["reason"]

    assert shop_on_both("export", "app.py", "books", "out.ndjson", "--json").json["rows"] == 2
    exported = (shop_on_both.folder / "out.ndjson").read_text()
    again = shop_on_both("import", "app.py", "books", "out.ndjson", "--json")
    assert (again.code, again.json["created"], again.json["unchanged"]) == (0, 0, 2), again.err
    assert shop_on_both("export", "app.py", "books", "again.ndjson").code == 0
    assert (shop_on_both.folder / "again.ndjson").read_text() == exported


@pytest.mark.parametrize("ending", ["csv", "json", "ndjson"])
def test_each_format_carries_ids_to_another_database(shop: Shell, ending: str, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.write("authors.csv", 'name\nAda\n"O\'Hara, ""Scarlett"""\n')
    assert shop("import", "app.py", "authors", "authors.csv").code == 0
    assert shop("export", "app.py", "authors", f"out.{ending}").code == 0
    monkeypatch.setenv("MAINSTAY_DATABASE_URL", "sqlite:///other.db")
    assert shop("import", "app.py", "authors", f"out.{ending}").code == 0
    shop("export", "app.py", "authors", "a.ndjson")
    monkeypatch.delenv("MAINSTAY_DATABASE_URL")
    shop("export", "app.py", "authors", "b.ndjson")
    ids = [
        [json.loads(line)["id"] for line in (shop.folder / name).read_text().splitlines()]
        for name in ("a.ndjson", "b.ndjson")
    ]
    assert ids[0] == ids[1] != []


@pytest.mark.parametrize(
    ("resource", "file", "code", "sentence"),
    [
        ("boks", "books.csv", 1, "Did you mean books?"),
        ("books", "absent.csv", 3, "absent.csv"),
        ("books", "books.xls", 3, "books.xls"),
    ],
)
def test_what_cannot_be_imported_is_a_sentence(shop: Shell, resource: str, file: str, code: int, sentence: str) -> None:
    shop.write("books.csv", BOOKS)
    shop.write("books.xls", "")
    ended = shop("import", "app.py", resource, file)
    assert (ended.code, sentence in ended.err) == (code, True), ended.err
    assert "Traceback" not in ended.err


def test_somebody_exports_only_what_they_may_read(shop: Shell) -> None:
    shop.write("books.csv", BOOKS)
    shop("import", "app.py", "books", "books.csv")
    shop("users", "create", "-e", "ben@example.com", "-p", "correct horse battery")
    assert shop("export", "app.py", "books", "ben.csv", "--as", "ben@example.com", "--json").json["rows"] == 1
    assert shop("export", "app.py", "books", "x.csv", "--as", "nobody@example.com").code == 1
    assert not (shop.folder / "x.csv").exists()


def test_the_planner_knows_the_rows_that_came_in(shop_on_both: Shell, urls: Urls) -> None:
    shop_on_both.write("authors.csv", "name\n" + "".join(f"Author {number}\n" for number in range(300)))
    assert shop_on_both("import", "app.py", "authors", "authors.csv").code == 0
    # SQLite's goes by the figures of a large table, whatever came in: its plans must not change as rows come.
    known = asyncio.run(known_rows(urls))
    assert known == 300 if urls.name == "postgresql" else known > 100_000


async def known_rows(urls: Urls) -> int:
    """How many rows the database's planner thinks that authors has."""
    if urls.name == "sqlite":
        connection = pysqlite3.connect(urls.database_url.removeprefix("sqlite:///"))
        found = connection.execute(
            "SELECT max(CAST(stat AS integer)) FROM sqlite_stat1 WHERE tbl = 'authors'"
        ).fetchone()
        connection.close()
        return int(found[0])
    asked = await asyncpg.connect(urls.system_url)
    rows = await asked.fetchval("SELECT reltuples::int FROM pg_class WHERE relname = 'authors'")
    await asked.close()
    return int(rows)
