"""`mainstay users` and `mainstay tenants`."""

import json

from tests.rooms.cli.shell import Shell

PASSWORD = "correct horse battery"


def test_a_user_is_created_with_roles_and_listed(shop_on_both: Shell) -> None:
    made = shop_on_both(
        "users", "create", "--app", "app.py", "--email", "Ada@example.com", "--password", PASSWORD, "--role", "admin"
    )
    assert made.code == 0, made.err
    assert "ada@example.com is there, with admin" in made.out
    listed = shop_on_both("users", "list", "--json")
    assert [(each["email"], each["roles"]) for each in listed.json] == [("ada@example.com", ["admin"])]


def test_the_password_may_come_from_standard_input(shop: Shell) -> None:
    made = shop("users", "create", "--email", "ada@example.com", "--password-stdin", stdin=PASSWORD + "\n")
    assert made.code == 0, made.err
    assert PASSWORD not in made.out + made.err


def test_without_a_password_nothing_is_asked_of_a_pipe(shop: Shell) -> None:
    assert shop("users", "create", "--email", "ada@example.com").code == 2
    both = shop("users", "create", "--email", "ada@example.com", "--password", PASSWORD, "--password-stdin")
    assert both.code == 2


def test_a_weak_password_and_a_taken_address_are_refused(shop: Shell) -> None:
    weak = shop("users", "create", "--email", "ada@example.com", "--password", "short", "--json")
    assert weak.code == 1
    assert "password" in weak.error["message"]
    assert shop("users", "create", "--email", "ada@example.com", "--password", PASSWORD).code == 0
    again = shop("users", "create", "--email", "ada@example.com", "--password", PASSWORD, "--json")
    assert again.code == 1
    assert "Traceback" not in again.err


def test_tenants_are_created_and_users_join_them(shop_on_both: Shell) -> None:
    made = shop_on_both("tenants", "create", "Acme Limited", "--slug", "acme", "--json")
    assert (made.code, made.json["slug"]) == (0, "acme"), made.err
    assert [each["slug"] for each in shop_on_both("tenants", "list", "--json").json] == ["acme", "default"]
    joined = shop_on_both(
        "users", "create", "-e", "ada@example.com", "-p", PASSWORD, "-r", "editor", "--tenant", "acme", "--json"
    )
    assert (joined.code, joined.json["tenant"]) == (0, "acme"), joined.err


def test_a_tenant_requires_a_second_factor_and_no_longer(shop_on_both: Shell) -> None:
    shop_on_both("tenants", "create", "Acme Limited", "--slug", "acme")
    first = shop_on_both("tenants", "second-factor", "acme", "--json")
    assert (first.code, first.json["second_factor_required"], first.json["changed"]) == (0, True, True), first.err
    assert shop_on_both("tenants", "second-factor", "acme", "--required", "--json").json["changed"] is False
    listed = {each["slug"]: each["second_factor_required"] for each in shop_on_both("tenants", "list", "--json").json}
    assert listed == {"acme": True, "default": False}
    assert "do not need a second factor" in shop_on_both("tenants", "second-factor", "acme", "--optional").out
    assert shop_on_both("tenants", "second-factor", "nowhere").code == 1


def test_the_last_administrator_is_not_shut_from_the_command_line(shop: Shell) -> None:
    made = shop("users", "create", "-e", "ada@example.com", "-p", PASSWORD, "-r", "admin")
    assert made.code == 0, made.err
    her = ["--email", "ada@example.com"]
    for command in (["deactivate", *her], ["take", *her, "--role", "admin"], ["erase", "ada@example.com", "--yes"]):
        refused = shop("users", *command, "--json")
        assert refused.code == 1, (command, refused.out, refused.err)
        assert "last administrator" in refused.error["message"]


def test_a_slug_that_is_taken_and_a_tenant_that_is_not_there_are_refused(shop: Shell) -> None:
    assert shop("tenants", "create", "Acme", "--slug", "acme").code == 0
    assert shop("tenants", "create", "Acme", "--slug", "acme").code == 1
    assert shop("users", "create", "-e", "a@example.com", "-p", PASSWORD, "--tenant", "nowhere").code == 1


def test_roles_are_given_and_taken_and_accounts_shut(shop_on_both: Shell) -> None:
    for name, role in (("ada", "admin"), ("bob", "user")):
        address = f"{name}@example.com"
        made = shop_on_both("users", "create", "--email", address, "--password", PASSWORD, "--role", role)
        assert made.code == 0, made.err
    bob = ("--email", "bob@example.com", "--json")
    assert shop_on_both("users", "grant", "--role", "moderator", *bob).json["roles"] == ["moderator", "user"]
    assert shop_on_both("users", "take", "--role", "moderator", *bob).json["roles"] == ["user"]
    unknown = shop_on_both("users", "grant", "--role", "moderater", *bob)
    assert (unknown.code, "There is no role" in unknown.error["message"]) == (1, True)
    last = shop_on_both("users", "take", "--email", "ada@example.com", "--role", "admin", "--json")
    assert (last.code, "last administrator" in last.error["message"]) == (1, True)
    assert shop_on_both("users", "deactivate", *bob).json["active"] is False
    assert shop_on_both("users", "activate", *bob).json["active"] is True
    nobody = shop_on_both("users", "deactivate", "--email", "nobody@example.com", "--json")
    assert (nobody.code, "no user" in nobody.error["message"]) == (1, True)


def test_somebodys_second_factors_are_reset(shop: Shell) -> None:
    assert shop("users", "create", "--email", "ada@example.com", "--password", PASSWORD).code == 0
    reset = shop("users", "reset-factors", "--email", "ada@example.com")
    assert "ada@example.com had no second factor" in reset.out
    assert shop("users", "reset-factors", "--email", "ada@example.com", "--json").json["reset"] is False
    assert shop("users", "reset-factors", "--email", "nobody@example.com").code == 1


def test_a_user_has_the_names_and_the_fields_that_the_app_asks_for(shop_on_both: Shell) -> None:
    profile = """class Profile(UserProfile):
    branch: Mapped[str] = field(max_length=9)
    floor: Mapped[int] = field(default=0)
"""
    app = shop_on_both.app.replace(
        'app = Mainstay(title="Shop"', f'{profile}\n\napp = Mainstay(user=Profile, title="Shop"'
    )
    shop_on_both.write("app.py", app.replace(", ref, role", ", UserProfile, ref, role"))
    create = ("users", "create", "--email", "ada@example.com", "--password-stdin")
    missing = shop_on_both(*create, stdin=PASSWORD)
    assert (missing.code, "--profile branch=" in missing.err) == (1, True), missing.err
    for wrong, told in (("floor=ground", "floor"), ("brunch=Oslo", "there are branch, floor"), ("branch", "branch")):
        refused = shop_on_both(*create, "--profile", wrong, stdin=PASSWORD)
        assert (refused.code, told in refused.err) == (1, True), (wrong, refused.err)
    made = shop_on_both(
        *create, "--username", "ada", "--profile", "branch=Oslo", "--profile", "floor=3", stdin=PASSWORD
    )
    assert made.code == 0, made.err
    assert shop_on_both("users", "export", "ada@example.com").code == 0
    (written,) = shop_on_both.folder.glob("export-*.json")
    account = json.loads(written.read_text())["account"]
    assert account["profile"] == {"branch": "Oslo", "floor": 3}
    assert account["users"]["username"] == "ada"
    shop_on_both("tenants", "create", "Acme", "--slug", "acme")
    again = shop_on_both(*create, "--username", "eve", "--tenant", "acme", stdin=PASSWORD)
    assert (again.code, "has an account already" in again.err) == (1, True), again.err


def test_a_forgotten_password_comes_back_without_a_letter(shop_on_both: Shell) -> None:
    made = shop_on_both("users", "create", "--email", "ada@example.com", "--password-stdin", stdin=PASSWORD)
    assert made.code == 0, made.err
    her = ("--email", "ada@example.com")
    # It cannot be written where others on the machine would read it.
    assert shop_on_both("users", "set-password", *her, "--password", PASSWORD).code == 2
    assert shop_on_both("users", "set-password", *her, stdin=PASSWORD).code == 2
    weak = shop_on_both("users", "set-password", *her, "--password-stdin", stdin="short")
    assert weak.code == 1
    given = shop_on_both("users", "set-password", *her, "--password-stdin", stdin="a fine long passphrase\n")
    assert given.code == 0, given.err
    assert "passphrase" not in given.out + given.err
    link = shop_on_both("users", "reset-link", *her, "--json")
    assert "/reset-password?token=mlt_" in link.json["link"]
    assert "/reset-password?token=mlt_" in shop_on_both("users", "reset-link", *her).out.splitlines()[-1]
    assert shop_on_both("users", "sign-out", *her, "--json").json["ended"] == 0
    invited = shop_on_both("users", "invite", *her, "--json")
    assert (invited.code, "has a password" in invited.error["message"]) == (1, True)
    for command in (["reset-link"], ["sign-out"], ["invite"], ["set-password", "--password-stdin"]):
        nobody = shop_on_both("users", *command, "--email", "nobody@example.com", stdin=PASSWORD)
        assert (nobody.code, "no user" in nobody.err) == (1, True), (command, nobody.err)
