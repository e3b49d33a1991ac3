"""`mainstay migrate`."""

import pytest

from tests.rooms.cli.shell import APP, Shell

PAGES = APP.replace("    price: Mapped", "    pages: Mapped[int | None] = field(default=None)\n    price: Mapped")


def test_check_says_what_is_missing_and_changes_nothing(shop_on_both: Shell) -> None:
    for _ in range(2):
        behind = shop_on_both("migrate", "app.py", "--check", "--json")
        assert (behind.code, behind.json["up_to_date"]) == (1, False)
    assert shop_on_both("migrate", "app.py").code == 0
    current = shop_on_both("migrate", "app.py", "--check", "--json")
    assert (current.code, current.json) == (0, {"up_to_date": True, "missing": []})


def test_a_new_field_is_added_and_one_that_goes_is_refused(shop_on_both: Shell) -> None:
    assert shop_on_both("migrate").code == 0
    shop_on_both.write("app.py", PAGES)
    assert any("pages" in step for step in shop_on_both("migrate", "--json").json["done"])
    shop_on_both.write("app.py", APP)
    refused = shop_on_both("migrate")
    assert refused.code == 3
    assert "pages" in refused.err
    assert "--write" in refused.err
    assert "Traceback" not in refused.err


def test_revisions_are_written_run_and_taken_back(shop_on_both: Shell) -> None:
    written = shop_on_both("migrate", "--write", "-m", "first tables", "--json")
    assert written.code == 0, written.err
    assert "first_tables" in written.json["revision"]
    assert shop_on_both("migrate").code == 0
    shop_on_both.write("app.py", PAGES)
    behind = shop_on_both("migrate", "--check")
    assert behind.code == 1
    assert shop_on_both("migrate", "--write", "-m", "add pages").code == 0
    assert any("pages" in step for step in shop_on_both("migrate", "--json").json["done"])
    assert shop_on_both("migrate", "--down=-1").code == 0
    assert shop_on_both("migrate", "--check").code == 1
    assert shop_on_both("migrate").code == 0
    nothing = shop_on_both("migrate", "--write", "-m", "nothing", "--json")
    assert (nothing.code, nothing.json["revision"]) == (0, None)


def test_the_sql_of_all_revisions_can_be_printed(shop_on_both: Shell) -> None:
    shop_on_both("migrate", "--write", "-m", "first")
    printed = shop_on_both("migrate", "--sql")
    assert printed.code == 0, printed.err
    assert "CREATE TABLE" in printed.out
    assert "mainstay_outbox" in printed.out


@pytest.mark.parametrize("url", ["sqlite:////dev/null/x.db", "mysql://here/x", "nonsense"])
def test_a_database_that_cannot_be_used_is_a_sentence(shop: Shell, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("MAINSTAY_DATABASE_URL", url)
    ended = shop("migrate")
    assert ended.code == 3, ended.err
    assert "Traceback" not in ended.err


def test_a_postgresql_that_is_not_there_is_a_sentence(shop: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAINSTAY_DATABASE_URL", "postgresql://somebody:hunter2@127.0.0.1:1/nothing")
    ended = shop("migrate")
    assert ended.code in (1, 3)
    assert "Traceback" not in ended.err
    assert "hunter2" not in ended.err
