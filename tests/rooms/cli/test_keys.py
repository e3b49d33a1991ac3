"""`mainstay keys`."""

import pytest

from tests.rooms.cli.shell import Shell


def states(shop: Shell) -> list[str]:
    listed = shop("keys", "list", "--json")
    assert listed.code == 0, listed.err
    return [each["state"] for each in listed.json]


def test_a_key_is_published_begins_and_is_revoked(shop_on_both: Shell) -> None:
    shop = shop_on_both
    assert states(shop) == ["current"]
    first = shop("keys", "list", "--json").json[0]["kid"]
    made = shop("keys", "rotate", "--json")
    assert (made.code, states(shop)) == (0, ["current", "next"]), made.err
    again = shop("keys", "rotate", "--now", "--json")
    assert again.json["kid"] == made.json["kid"]
    assert states(shop) == ["retired", "current"]
    revoked = shop("keys", "revoke", first, "--reason", "it lay in a backup")
    assert revoked.code == 0, revoked.err
    assert f"{first} is revoked" in revoked.out
    assert states(shop) == ["revoked", "current"]
    assert shop("keys", "retire", made.json["kid"]).code == 0
    assert states(shop) == ["revoked", "retired", "current"]


def test_a_key_that_is_not_there_is_refused(shop: Shell) -> None:
    for command in ("retire", "revoke"):
        refused = shop("keys", command, "nobody")
        assert refused.code == 1
        assert "keys list" in refused.err
        assert "Traceback" not in refused.err


def test_a_new_master_key_seals_anew_what_the_former_sealed(shop: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = "the-first-secret-of-this-shop-0123-4567", "the-second-secret-of-this-shop-8910-1112"
    monkeypatch.setenv("MAINSTAY_SECRET_KEY", old)
    assert shop("keys", "list").code == 0
    monkeypatch.setenv("MAINSTAY_SECRET_KEY", new)
    assert shop("keys", "list").code == 3
    monkeypatch.setenv("MAINSTAY_SECRET_KEY_PREVIOUS", old)
    assert [each["outdated"] for each in shop("keys", "list", "--json").json] == [True]
    done = shop("keys", "reseal", "--json")
    assert done.json["mainstay_signing_keys"] == 1, done.err
    monkeypatch.delenv("MAINSTAY_SECRET_KEY_PREVIOUS")
    assert shop("keys", "list").code == 0


def test_subjects_of_another_issuer_are_linked_one_by_one_and_from_a_file(
    shop: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = '{"old": {"issuer": "https://old.example", "audiences": ["shop"], "algorithms": ["HS256"], "secret": "%s"}}'
    secret = "the-secret-of-the-old-app-9182736450-qwe"
    monkeypatch.setenv("MAINSTAY_ISSUERS", old % secret)
    listed = shop("issuers", "list", "--json")
    assert listed.json[0]["keys"] == "a secret"
    assert secret not in listed.out
    for name in ("ada", "bob"):
        made = shop("users", "create", "--email", f"{name}@example.com", "--password", "correct horse battery")
        assert made.code == 0
    one = ("issuers", "link", "--issuer", "https://old.example", "--json")
    assert shop(*one, "--email", "ada@example.com", "--subject", "1").json["linked"] == 1
    shop.write("links.csv", "email,subject\nada@example.com,1\nbob@example.com,2\n")
    assert shop(*one, "--file", str(shop.folder / "links.csv")).json == {"linked": 1, "there": 1, "unknown": []}
    assert shop(*one, "--email", "eve@example.com", "--subject", "3").code == 1
    assert shop(*one).code == 2
    cut = ("issuers", "unlink", "--issuer", "https://old.example", "--subject", "2")
    assert (shop(*cut).code, shop(*cut).code) == (0, 1)
