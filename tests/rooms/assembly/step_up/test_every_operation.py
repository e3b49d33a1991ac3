"""Every generated operation, asked with a proof of long ago, without the second factor, by an API key, and rightly."""

from collections.abc import Callable
from typing import Any

import httpx2 as httpx
import pytest

from tests.rooms.assembly.step_up.conftest import API, Money
from tests.rooms.assembly.step_up.vault import app

NEW = "00000000-0000-4000-8000-0000000000{:02x}"
Aim = Callable[..., httpx.Response]
FREE, RECENT, FACTOR = "free", "recent", "factor"
CHALLENGES = {RECENT: 'max_age="300"', FACTOR: 'acr_values="http://schemas.openid.net/pape/'}


def call(method: str, path: str, body: Any = None) -> Callable[[Aim, dict[str, str]], httpx.Response]:
    """`{account}` and so on are rows that are there."""

    def send(ask: Aim, rows: dict[str, str]) -> httpx.Response:
        filled = _filled(body, rows)
        return ask(method, path.format(**rows), **({} if body is None else {"json": filled}))

    return send


def _filled(value: Any, rows: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {name: _filled(each, rows) for name, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, rows) for each in value]
    return value.format(**rows) if isinstance(value, str) else value


def batch(*operations: dict[str, Any]) -> Callable[[Aim, dict[str, str]], httpx.Response]:
    return call("POST", "/batch", {"operations": list(operations)})


ACCOUNT, MOVEMENT = {"name": "New"}, {"text": "New", "account_id": "{account}"}
# What each asks for, and requests of it.
OPERATIONS: dict[tuple[str, str], list[tuple[str, Any]]] = {
    ("get", "/accounts"): [
        (FREE, call("GET", "/accounts")),
        (RECENT, call("GET", "/accounts?expand=movements")),
        (RECENT, call("GET", "/accounts?movements.text=Rent")),
    ],
    ("post", "/accounts"): [
        (RECENT, call("POST", "/accounts", ACCOUNT)),
        (RECENT, call("POST", "/accounts", [ACCOUNT, ACCOUNT])),
    ],
    ("get", "/accounts/{id}"): [
        (FREE, call("GET", "/accounts/{account}")),
        (FREE, call("HEAD", "/accounts/{account}")),
        (RECENT, call("GET", "/accounts/{account}?expand=movements")),
    ],
    ("put", "/accounts/{id}"): [
        (RECENT, call("PUT", "/accounts/{account}", ACCOUNT)),
        (RECENT, call("PUT", "/accounts/" + NEW.format(7), ACCOUNT)),
    ],
    ("patch", "/accounts/{id}"): [(RECENT, call("PATCH", "/accounts/{account}", {"name": "Other"}))],
    # Its movements go with it.
    ("delete", "/accounts/{id}"): [(FACTOR, call("DELETE", "/accounts/{account}"))],
    ("get", "/accounts/{id}/movements"): [(RECENT, call("GET", "/accounts/{account}/movements"))],
    ("get", "/labels"): [(FREE, call("GET", "/labels"))],
    ("post", "/labels"): [(FREE, call("POST", "/labels", {"word": "new"}))],
    ("get", "/labels/{id}"): [(FREE, call("GET", "/labels/{label}"))],
    ("put", "/labels/{id}"): [(FREE, call("PUT", "/labels/{label}", {"word": "other"}))],
    ("patch", "/labels/{id}"): [
        (FREE, call("PATCH", "/labels/{label}", {"word": "other"})),
        (RECENT, call("PATCH", "/labels/{label}", {"movement_ids": ["{movement}"]})),
    ],
    ("delete", "/labels/{id}"): [(FREE, call("DELETE", "/labels/{label}"))],
    ("get", "/labels/{id}/movements"): [(RECENT, call("GET", "/labels/{label}/movements"))],
    # That one can be linked to it says that it is there.
    ("put", "/labels/{id}/movements/{related_id}"): [(RECENT, call("PUT", "/labels/{label}/movements/{movement}"))],
    ("delete", "/labels/{id}/movements/{related_id}"): [
        (RECENT, call("DELETE", "/labels/{label}/movements/{movement}"))
    ],
    ("get", "/movements"): [
        (RECENT, call("GET", "/movements")),
        (RECENT, call("GET", "/movements?limit=1&count=exact")),
    ],
    ("post", "/movements"): [
        (RECENT, call("POST", "/movements", MOVEMENT)),
        (RECENT, call("POST", "/movements", [MOVEMENT])),
    ],
    ("get", "/movements/{id}"): [
        (RECENT, call("GET", "/movements/{movement}")),
        (RECENT, call("HEAD", "/movements/{movement}")),
        (RECENT, call("GET", "/movements/{movement}?links=true")),
    ],
    ("put", "/movements/{id}"): [(RECENT, call("PUT", "/movements/{movement}", MOVEMENT))],
    ("patch", "/movements/{id}"): [
        (RECENT, call("PATCH", "/movements/{movement}", {"text": "Other"})),
        (RECENT, call("PATCH", "/movements/{movement}", {"label_ids": []})),
    ],
    ("delete", "/movements/{id}"): [(FACTOR, call("DELETE", "/movements/{movement}"))],
    ("get", "/movements/{id}/labels"): [(RECENT, call("GET", "/movements/{movement}/labels"))],
    ("put", "/movements/{id}/labels/{related_id}"): [(RECENT, call("PUT", "/movements/{movement}/labels/{label}"))],
    ("delete", "/movements/{id}/labels/{related_id}"): [
        (RECENT, call("DELETE", "/movements/{movement}/labels/{label}"))
    ],
    ("get", "/statements"): [
        # How many lines there are is told by them.
        (RECENT, call("GET", "/statements")),
        (FREE, call("GET", "/statements?fields=title")),
    ],
    ("post", "/statements"): [(RECENT, call("POST", "/statements", {"title": "June"}))],
    ("get", "/statements/{id}"): [(RECENT, call("GET", "/statements/{statement}"))],
    ("put", "/statements/{id}"): [(RECENT, call("PUT", "/statements/{statement}", {"title": "June"}))],
    ("patch", "/statements/{id}"): [(RECENT, call("PATCH", "/statements/{statement}", {"title": "June"}))],
    # Its lines go with it, and what reading asks for everything asks for.
    ("delete", "/statements/{id}"): [(RECENT, call("DELETE", "/statements/{statement}"))],
    ("get", "/statements/{id}/lines"): [(RECENT, call("GET", "/statements/{statement}/lines"))],
    ("get", "/lines"): [(RECENT, call("GET", "/lines"))],
    ("post", "/lines"): [(RECENT, call("POST", "/lines", {"statement_id": "{statement}"}))],
    ("get", "/lines/{id}"): [(RECENT, call("GET", "/lines/{line}"))],
    ("put", "/lines/{id}"): [(RECENT, call("PUT", "/lines/{line}", {"statement_id": "{statement}"}))],
    ("patch", "/lines/{id}"): [(RECENT, call("PATCH", "/lines/{line}", {"statement_id": "{statement}"}))],
    ("delete", "/lines/{id}"): [(RECENT, call("DELETE", "/lines/{line}"))],
    ("post", "/batch"): [
        (FREE, batch({"method": "POST", "path": "/labels", "body": {"word": "new"}})),
        (
            RECENT,
            batch(
                {"method": "POST", "path": "/labels", "body": {"word": "new"}},
                {"method": "PATCH", "path": "/accounts/{account}", "body": {"name": "Other"}},
            ),
        ),
        (RECENT, batch({"method": "POST", "path": "/accounts", "body": ACCOUNT})),
        (RECENT, batch({"method": "PUT", "path": "/accounts/" + NEW.format(8), "body": ACCOUNT})),
        (FACTOR, batch({"method": "DELETE", "path": "/movements/{movement}"})),
    ],
}


def test_every_generated_operation_is_here() -> None:
    assert {key for key, _ in _documented()} == OPERATIONS.keys()


@pytest.mark.parametrize("operation", OPERATIONS, ids=" ".join)
def test_an_operation_asks_for_the_proof_that_its_resource_declares(money: Money, operation: tuple[str, str]) -> None:
    rows = money.rows()
    for asked, aim in OPERATIONS[operation]:
        money.wait(601 if asked == FACTOR else 301)
        _judge(aim(money.call, rows), asked, enough=asked == FREE)
        if asked != FREE:
            # Nothing that a program could do would help, so it is not told to prove anything.
            by_key = aim(money.by_key, rows)
            assert by_key.status_code == 403, by_key.text
            assert "insufficient_user_authentication" not in by_key.headers.get("www-authenticate", "")
            if by_key.content:
                assert by_key.json()["code"] == "session_required"
            money.wait(10)
            money.prove("otp", "mfa")
            done = aim(money.call, rows)
            assert done.is_success, done.text


def test_a_password_is_no_second_factor_and_a_second_factor_is_good_for_its_own_time(money: Money) -> None:
    backend = money.backend
    bob = backend.as_user("bob")
    rows = money.rows()
    for asked, aim in (each for requests in OPERATIONS.values() for each in requests if each[0] == FACTOR):
        _judge(aim(lambda m, p, **o: bob.request(m, API + p, **o), rows), asked, enough=False)
    money.wait(590)
    # The account's own proof is too old, that of what goes with it is not: both are asked for.
    _judge(money.call("DELETE", f"/movements/{rows['movement']}"), RECENT, enough=False)


def test_what_is_refused_changes_nothing(money: Money) -> None:
    rows = money.rows()
    money.wait(301)
    before = money.call("GET", "/accounts?count=exact").json()
    for operation, requests in OPERATIONS.items():
        for asked, aim in requests:
            if asked != FREE and operation[0] != "get":
                assert aim(money.call, rows).status_code == 401
    assert money.call("GET", "/accounts?count=exact").json() == before
    money.prove("otp", "mfa")
    assert money.call("GET", f"/movements/{rows['movement']}?expand=labels").json()["labels"]["items"]


def test_the_description_says_which_operations_ask_for_what() -> None:
    for (method, path), found in _documented():
        first = OPERATIONS[method, path][0][0]
        # A batch asks for what its operations ask for; a count asks only whoever wants to see it.
        if path == "/batch" or (path.startswith("/statements") and not path.endswith("lines") and method != "delete"):
            continue
        told = found.get("x-mainstay-step-up", {})
        assert told.get("max_age") == (None if first == FREE else 300), (method, path)
        assert told.get("methods", []) == (["mfa"] if first == FACTOR else []), (method, path)
        answer = found["responses"]["401"]
        if first == FREE:
            assert answer == {"$ref": "#/components/responses/Problem401"}
        else:
            assert "insufficient_user_authentication" in answer["description"]
            assert "/auth/step-up" in answer["headers"]["WWW-Authenticate"]["description"]


def _judge(answer: httpx.Response, asked: str, *, enough: bool) -> None:
    if enough:
        assert answer.is_success, answer.text
        return
    assert answer.status_code == 401, (answer.status_code, answer.text)
    challenge = answer.headers["www-authenticate"]
    assert 'error="insufficient_user_authentication"' in challenge
    assert CHALLENGES[asked] in challenge
    if answer.content:
        assert answer.json()["code"] == "insufficient_user_authentication"


def _documented() -> list[tuple[tuple[str, str], dict[str, Any]]]:
    return [
        ((method, path.removeprefix(API)), found)
        for path, item in app.openapi()["paths"].items()
        if path.startswith(API + "/")
        for method, found in item.items()
        if method in ("get", "put", "post", "delete", "patch")
    ]
