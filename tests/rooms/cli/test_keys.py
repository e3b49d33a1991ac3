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
