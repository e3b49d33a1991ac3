"""`mainstay bench`."""

from tests.databases import Urls
from tests.rooms.cli.shell import Shell

ROWS = "title,price,status\n" + "".join(f"Book {number},{number}.50,published\n" for number in range(1, 60))


def test_the_apps_share_of_the_floor_is_measured(shop_on_both: Shell, urls: Urls) -> None:
    shop_on_both.write("books.csv", ROWS)
    assert shop_on_both("import", "app.py", "books", "books.csv").code == 0
    options = ["--creates"] if urls.name == "postgresql" else []
    told = shop_on_both("bench", "app.py", "--seconds", "0.5", "--json", *options)
    assert told.code == 0, told.err
    found = told.json
    assert (found["resource"], found["database"], found["no_creates"]) == ("books", urls.name, None)
    assert set(found["operations"]) == {"list", "get", "create"}
    for name, each in found["operations"].items():
        assert each["rate"] > 0, name
        assert each["ratio"] > 0, name
    exported = shop_on_both("export", "app.py", "books", "out.csv", "--json").json["rows"]
    # SQLite is measured on a copy; PostgreSQL was told that rows may stay.
    assert (exported == 59) == (urls.name == "sqlite")


def test_creates_that_the_app_refuses_are_left_out_with_the_reason(shop: Shell) -> None:
    shop.write("app.py", shop.app.replace("max_length=40, unique=True", 'pattern="[A-Z]{3}", unique=True'))
    shop.write("authors.csv", "name\nADA\nBEN\n")
    assert shop("import", "app.py", "authors", "authors.csv").code == 0
    told = shop("bench", "app.py", "--seconds", "0.5")
    assert told.code == 0, told.err
    assert "create is not measured" in told.out
    assert "of the floor" in told.out


def test_without_rows_there_is_nothing_to_measure(shop: Shell) -> None:
    nothing = shop("bench", "app.py", "--json")
    assert nothing.code == 1
    assert "no rows" in nothing.error["message"]
