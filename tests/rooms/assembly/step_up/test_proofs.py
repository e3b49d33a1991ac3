"""Beside the operations themselves: repeated reads, what answers say may be done, users' own code, the command line."""

import pytest

from mainstay import Access, recent, second_factor
from mainstay.base.errors import ConfigurationError, StepUpRequired
from mainstay.base.proof import Proof
from mainstay.testing import Backend
from tests.rooms.assembly.step_up.conftest import API, Money
from tests.rooms.assembly.step_up.vault import Account, Movement

REPEATED = ("/movements", "/movements/{movement}", "/accounts?expand=movements", "/statements", "/movements?limit=1")


def test_a_read_that_was_repeated_is_refused_once_its_proof_is_old(money: Money) -> None:
    rows = money.rows()
    money.prove()
    for path in (each.format(**rows) for each in REPEATED):
        for _ in range(4):
            seen = money.call("GET", path)
            assert seen.status_code == 200, path
    free = [money.call("GET", "/labels").status_code for _ in range(4)]
    assert free == [200] * 4
    money.wait(301)
    assert money.call("GET", "/labels").status_code == 200
    for path in (each.format(**rows) for each in REPEATED):
        refused = money.call("GET", path, headers={"If-None-Match": seen.headers["etag"]})
        assert (refused.status_code, refused.json()["code"]) == (401, "insufficient_user_authentication"), path
    money.prove()
    assert money.call("GET", f"/movements/{rows['movement']}").status_code == 200


def test_what_asks_for_nothing_is_still_read_in_one_step(money: Money) -> None:
    rows = money.rows()
    for _ in range(4):
        money.call("GET", f"/labels/{rows['label']}")
        money.call("GET", f"/movements/{rows['movement']}")
    remembered = money.backend.app.rooms.identity._room.remembered._by_digest.values()
    laid = {lane.template for verified in remembered for lane in verified.lanes.values()}
    embedded = money.backend.app.rooms.database.name == "sqlite"
    assert (f"{API}/labels/{{id}}" in laid) is embedded
    assert not [template for template in laid if "movements" in template]


def test_an_answer_says_what_may_be_done_and_what_a_proof_would_allow(money: Money) -> None:
    rows = money.rows()
    place = f"/movements/{rows['movement']}?links=true"
    assert money.call("GET", place).json()["_actions"] == ["replace", "update", "delete"]
    assert "_step_up" not in money.call("GET", place).json()
    money.wait(301)
    account = money.call("GET", f"/accounts/{rows['account']}?links=true").json()
    assert account["_actions"] == []
    assert account["_step_up"]["update"] == {"max_age": 300}
    assert account["_step_up"]["delete"]["acr_values"].endswith("/multi-factor")
    # Nothing that a program is told would help it.
    by_key = money.by_key("GET", f"/accounts/{rows['account']}?links=true").json()
    assert by_key["_actions"] == []
    assert "_step_up" not in by_key


def test_a_request_that_was_done_is_not_answered_again_without_the_proof(money: Money) -> None:
    money.prove()
    sent = {"json": {"name": "Once"}, "headers": {"Idempotency-Key": "once"}}
    assert money.call("POST", "/accounts", **sent).status_code == 201
    money.wait(301)
    assert money.call("POST", "/accounts", **sent).status_code == 401
    money.prove()
    again = money.call("POST", "/accounts", **sent)
    assert again.status_code == 201
    assert money.call("GET", "/accounts?name=Once").json()["items"] == [again.json()]


def test_users_own_code_asks_for_as_much(money: Money) -> None:
    rows = money.rows()
    records = money.backend.app.records
    money.wait(301)
    with pytest.raises(StepUpRequired):
        money.person.run(records(Account).delete, rows["account"])
    with pytest.raises(StepUpRequired):
        money.person.run(records(Movement).list)
    money.prove("mfa")
    money.person.run(records(Account).delete, rows["account"])


def test_the_command_line_proves_nothing(money: Money) -> None:
    rows = money.rows()
    app = money.backend.app

    async def as_operator(email: str | None) -> None:
        caller = await app.rooms.operator(None, email)
        await app.records(Movement).acting_for(caller).update(rows["movement"], text=f"By {email}")

    for email in (None, "ada@example.com"):
        money.backend.run(as_operator, email)


def test_an_export_of_what_is_held_about_one_asks_for_what_reading_it_asks_for(money: Money) -> None:
    money.prove()
    assert money.person.get("/auth/me/export").status_code == 200
    money.wait(301)
    refused = money.person.get("/auth/me/export")
    assert (refused.status_code, refused.json()["code"]) == (401, "insufficient_user_authentication")
    assert money.person.id is not None
    # The command line is nobody's request.
    assert money.backend.run(money.backend.app.rooms.export_person.pack, money.person.id)


def test_who_acts_as_somebody_has_not_shown_what_they_would(money: Money) -> None:
    backend = money.backend
    eve = backend.as_user("eve")
    money.prove("mfa")
    why = "ticket 4711: a blank page"
    made = money.person.post("/auth/impersonate", json={"user_id": str(eve.id), "reason": why})
    acting = {"Authorization": f"Bearer {made.json()['access_token']}"}
    refused = backend.client.post(f"{API}/accounts", json={"name": "Hers"}, headers=acting)
    assert (refused.status_code, refused.json()["code"]) == (403, "impersonating")
    assert backend.client.get(f"{API}/accounts", headers=acting).status_code == 200


def test_nobody_in_particular_is_asked_to_sign_in(backend: Backend) -> None:
    refused = backend.client.get(f"{API}/movements")
    assert (refused.status_code, refused.json()["code"]) == (401, "sign_in_required")


def test_proofs_add_up() -> None:
    access = Access(step_up={"read": recent(900), "write": second_factor(3600), "delete": recent(60, ["hwk"])})
    factor, passkey = frozenset({"mfa"}), frozenset({"hwk"})
    assert access.proofs() == {
        "read": Proof(900),
        "create": Proof(900, factor),
        "update": Proof(900, factor),
        "delete": Proof(60, passkey),
    }
    assert Access().proofs() == {}


@pytest.mark.parametrize("wrong", [{"list": recent(60)}, {"read": 60}, {"read": None}])
def test_what_is_no_operation_or_no_proof_refuses_to_start(wrong: dict[str, Proof]) -> None:
    with pytest.raises(ConfigurationError, match="step_up"):
        Access(step_up=wrong)


@pytest.mark.parametrize("seconds", [0, -1, 1.5, True, "60"])
def test_an_age_that_is_none_refuses_to_start(seconds: int) -> None:
    with pytest.raises(ConfigurationError, match="whole seconds"):
        recent(seconds)
