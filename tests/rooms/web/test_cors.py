"""Which pages may call, and whose answers they may read: the rules, and the layer around any ASGI app."""

from typing import Any
from uuid import uuid4

import httpx
import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from mainstay.base.errors import ConfigurationError
from mainstay.web import AccessLog, Spine
from mainstay.web.cors import Cors, CorsRule, CorsRules

SHOP = "https://shop.example"


async def hello(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["path"] == "/broken":
        raise ValueError("secret")
    headers = {"access-control-allow-origin": "https://own.example"} if scope["path"] == "/own" else {}
    await PlainTextResponse(scope["method"], headers=headers)(scope, receive, send)


def client(rules: CorsRules, app: Any = hello) -> httpx.AsyncClient:
    served = Spine(Cors(app, rules), AccessLog("off"))
    return httpx.AsyncClient(transport=httpx.ASGITransport(served), base_url="http://test")


def preflight(origin: str = SHOP, method: str = "PUT", headers: str = "authorization") -> dict[str, str]:
    return {"Origin": origin, "Access-Control-Request-Method": method, "Access-Control-Request-Headers": headers}


async def test_a_preflight_is_answered_by_the_rule_and_not_by_the_app() -> None:
    async with client(CorsRules(CorsRule((SHOP,), credentials=True, max_age=30))) as asked:
        answer = await asked.options("/broken", headers=preflight())
        assert answer.status_code == 204
        assert answer.headers["access-control-allow-origin"] == SHOP
        assert answer.headers["access-control-allow-credentials"] == "true"
        assert "PUT" in answer.headers["access-control-allow-methods"].split(", ")
        assert "Authorization" in answer.headers["access-control-allow-headers"].split(", ")
        assert answer.headers["access-control-max-age"] == "30"
        assert "Origin" in answer.headers["vary"]
        assert answer.headers["x-request-id"]


async def test_an_options_that_is_no_preflight_goes_to_the_app() -> None:
    async with client(CorsRules(CorsRule((SHOP,)))) as asked:
        assert (await asked.options("/", headers={"Origin": SHOP})).text == "OPTIONS"
        assert (await asked.options("/")).text == "OPTIONS"


async def test_a_preflight_of_an_origin_that_no_rule_knows_goes_on_without_leave() -> None:
    async with client(CorsRules(CorsRule((SHOP,)))) as asked:
        answer = await asked.options("/", headers=preflight("https://evil.example"))
        assert answer.text == "OPTIONS"
        assert "access-control-allow-origin" not in answer.headers


async def test_answers_say_who_may_read_them_and_vary_by_origin_even_when_nobody_asked() -> None:
    async with client(CorsRules(CorsRule((SHOP,), exposed=("ETag",)))) as asked:
        theirs = await asked.get("/", headers={"Origin": SHOP})
        assert theirs.headers["access-control-allow-origin"] == SHOP
        assert theirs.headers["access-control-expose-headers"] == "ETag"
        assert "access-control-allow-credentials" not in theirs.headers
        others = await asked.get("/", headers={"Origin": "https://evil.example"})
        nobodys = await asked.get("/")
        for answer in (others, nobodys):
            assert not any(name.startswith("access-control") for name in answer.headers)
        assert {each.headers["vary"] for each in (theirs, others, nobodys)} == {"Origin"}


async def test_what_went_wrong_can_be_read_by_the_page_too() -> None:
    async with client(CorsRules(CorsRule((SHOP,)))) as asked:
        broken = await asked.get("/broken", headers={"Origin": SHOP})
        assert (broken.status_code, broken.headers["access-control-allow-origin"]) == (500, SHOP)


async def test_an_answer_that_the_app_marked_itself_is_left_alone() -> None:
    async with client(CorsRules(CorsRule((SHOP,)))) as asked:
        answer = await asked.get("/own", headers={"Origin": SHOP})
        assert answer.headers.get_list("access-control-allow-origin") == ["https://own.example"]


async def test_without_rules_nothing_is_added() -> None:
    async with client(CorsRules()) as asked:
        assert "vary" not in (await asked.get("/", headers={"Origin": SHOP})).headers


@pytest.mark.parametrize(
    ("allowed", "origin", "answer"),
    [
        ("*", "https://anything.example", True),
        (SHOP, SHOP, True),
        (SHOP + "/", SHOP, True),
        ("HTTPS://Shop.Example", SHOP, True),
        ("https://shop.example:443", SHOP, True),
        ("http://shop.example:8080", "http://shop.example:8080", True),
        (SHOP, "http://shop.example", False),
        (SHOP, "https://shop.example:8443", False),
        (SHOP, "https://shop.example.evil.example", False),
        (SHOP, "https://evilshop.example", False),
        (SHOP, "null", False),
        ("https://*.shop.example", "https://a.shop.example", True),
        ("https://*.shop.example", "https://a.b.shop.example", True),
        ("https://*.shop.example", SHOP, False),
        ("https://*.shop.example", "https://evilshop.example", False),
        ("https://*.shop.example", "https://a.shop.example.evil", False),
        ("https://*.shop.example", "https://evil.example/.shop.example", False),
        ("https://*.shop.example", "http://a.shop.example", False),
        ("https://*.shop.example", "https://" + "a" * 5000 + ".shop.example", False),
    ],
)
def test_origins_are_compared_whole(allowed: str, origin: str, answer: bool) -> None:
    rule = CorsRule((allowed,))
    assert rule.allows(origin) is answer
    rules = CorsRules()
    rules.set_tenant(uuid4(), rule)
    assert (rules.of_any_tenant(origin) is not None) is answer


@pytest.mark.parametrize(
    ("origin", "answer"),
    [
        ("http://localhost:3000", True),
        ("http://127.0.0.1:5173", True),
        ("http://[::1]:8080", True),
        ("https://shop.localhost", True),
        ("http://localhost.evil.example", False),
        ("http://evil-localhost", False),
        ("http://127.0.0.1.evil.example", False),
        ("null", False),
    ],
)
def test_the_default_of_development_knows_this_machine_alone(origin: str, answer: bool) -> None:
    assert CorsRule(local=True, credentials=True).allows(origin) is answer


@pytest.mark.parametrize(
    "origin",
    ["null", "shop.example", "https://shop.example/a", "ftp://a", "https://*.example", "", "https://*", "https://a,b"],
)
def test_what_is_no_origin_is_refused(origin: str) -> None:
    with pytest.raises(ConfigurationError, match="is not an origin"):
        CorsRule((origin,))


def test_every_origin_with_credentials_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"every origin \(\*\) with credentials"):
        CorsRule((SHOP, "*"), credentials=True)
    with pytest.raises(ConfigurationError, match=r"every origin \(\*\) with credentials"):
        CorsRule((SHOP,), exposed=("*",), credentials=True)
    for names in ({"headers": ("X-A\r\nX-B",)}, {"exposed": ("a b",)}, {"methods": ("get",)}):
        with pytest.raises(ConfigurationError, match="is not a"):
            CorsRule((SHOP,), **names)  # type: ignore[arg-type]  # one of the three


def test_every_origin_without_credentials_is_told_so() -> None:
    assert CorsRule(("*",)).marks("https://a.example")[0] == (b"access-control-allow-origin", b"*")


async def test_any_header_may_be_allowed() -> None:
    async with client(CorsRules(CorsRule((SHOP,), headers=("*",), credentials=True))) as asked:
        answer = await asked.options("/", headers=preflight(headers="x-one,x-two"))
        assert answer.headers["access-control-allow-headers"] == "x-one,x-two"


def test_a_client_s_rule_holds_for_its_origins_in_place_of_the_default() -> None:
    default, admin = CorsRule(("*",), methods=("GET",)), CorsRule(("https://admin.example",), credentials=True)
    rules = CorsRules(default, {"admin": admin})
    assert rules.of_operator("https://admin.example") is admin
    assert rules.of_operator(SHOP) is default
    rules.set_client("admin", None)
    assert rules.of_operator("https://admin.example") is default


def test_tenants_rules_come_and_go_and_never_carry_credentials() -> None:
    rules, acme, zeta = CorsRules(), uuid4(), uuid4()
    rules.set_tenant(acme, CorsRule((SHOP, "https://*.shop.example"), methods=("GET",)))
    rules.set_tenant(zeta, CorsRule((SHOP,), methods=("PUT",)))
    merged = rules.of_any_tenant(SHOP)
    assert merged is not None
    assert (merged.methods, merged.credentials) == (("GET", "PUT"), False)
    assert rules.of_tenant(zeta, "https://a.shop.example") is None
    rules.set_tenant(acme, None)
    merged = rules.of_any_tenant(SHOP)
    assert merged is not None
    assert merged.methods == ("PUT",)
    rules.set_tenant(zeta, CorsRule(("https://other.example",)))
    assert rules.of_any_tenant(SHOP) is None
    rules.set_tenant(zeta, None)
    assert not rules.any
    with pytest.raises(ValueError, match="no credentials"):
        rules.set_tenant(acme, CorsRule((SHOP,), credentials=True))
