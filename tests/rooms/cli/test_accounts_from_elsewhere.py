"""`mainstay users import` and `mainstay passwords`."""

import json

import argon2
import bcrypt

from tests.rooms.cli.shell import Shell

PASSWORD = "correct horse battery"
BCRYPT = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
ARGON2 = argon2.PasswordHasher(1, 64, 1, type=argon2.Type.I).hash(PASSWORD)


def test_users_come_with_their_hashes_and_a_second_run_changes_nothing(shop_on_both: Shell) -> None:
    rows = [
        {"email": "Ada@example.com", "username": "ada", "password_hash": BCRYPT, "created_at": "2020-02-03T04:05:06Z"},
        {"email": "bob@example.com", "password_hash": ARGON2, "display_name": "Bob", "email_verified": False},
        {"email": "eve@example.com"},
        {"email": "no address"},
        {"email": "md5@example.com", "password_hash": "5f4dcc3b5aa765d61d8327deb882cf99"},
        {"email": "slow@example.com", "password_hash": "$2b$31$" + BCRYPT[7:]},
        {"email": "large@example.com", "password_hash": ARGON2.replace("m=64", "m=99999999")},
        {"email": "odd@example.com", "role": "admin"},
    ]
    file = shop_on_both.folder / "users.jsonl"
    file.write_text("\n".join(json.dumps(row) for row in rows) + "\n")
    told = shop_on_both("users", "import", "users.jsonl", "--app", "app.py", "--role", "editor", "--json")
    assert told.code == 1, told.err
    assert (told.json["created"], told.json["known"]) == (3, 0)
    assert [(each["line"], each["column"]) for each in told.json["refused"]] == [
        (4, "email"),
        (5, "password_hash"),
        (6, "password_hash"),
        (7, "password_hash"),
        (8, "role"),
    ]
    again = shop_on_both("users", "import", "users.jsonl", "--json")
    assert (again.json["created"], again.json["known"]) == (0, 3)
    listed = {each["email"]: each["roles"] for each in shop_on_both("users", "list", "--json").json}
    assert listed == {f"{name}@example.com": ["editor"] for name in ("ada", "bob", "eve")}


def test_a_spreadsheet_will_do(shop: Shell) -> None:
    (shop.folder / "users.csv").write_text(
        f"\ufeffemail,username,password_hash,active\nada@example.com,ada,{BCRYPT},\nbob@example.com,,,no\n"
    )
    told = shop("users", "import", "users.csv", "--json")
    assert (told.code, told.json) == (0, {"created": 2, "known": 0, "refused": []}), told.err
    (shop.folder / "bad.csv").write_text("email\na@example.com,1,2\n")
    assert shop("users", "import", "bad.csv").code == 1
    assert shop("users", "import", "missing.csv").code == 1


def test_a_list_of_breached_passwords_is_packed_and_looked_into(shop: Shell) -> None:
    (shop.folder / "words.txt").write_text("one password\nanother password\n")
    packed = shop("passwords", "pack", "words.txt", "words.bin", "--json")
    assert (packed.code, packed.json["entries"]) == (0, 2), packed.err
    found = shop("passwords", "check", "--list", "words.bin", "--json", stdin="one password\n")
    assert found.json == {"breached": True, "entries": 2}
    shipped = shop("passwords", "check", "--json", stdin="iloveyou\n")
    assert shipped.json["breached"]
    assert shipped.json["entries"] > 100_000
    assert shop("passwords", "check", "--list", "words.txt", stdin="x\n").code == 3
