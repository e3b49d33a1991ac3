"""Limits of a Mainstay app: generated routes, own routes, headers on every answer, settings over options."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Depends
from sqlalchemy.orm import Mapped

from mainstay import Access, LimitsOptions, LimitState, Mainstay, Resource, anyone, field, limit_state, limited
from mainstay.base.errors import ConfigurationError
from mainstay.testing import Backend
from scripts.redis_server import Redis
from tests.databases import Urls


class Pamphlet(Resource):
    """Few pages."""

    __tablename__ = "pamphlets"
    __access__ = Access(read=anyone, write=anyone)
    __api__ = {"limits": {"create": "3/hour", "get": "40/hour loose"}}  # noqa: RUF012  read once
    title: Mapped[str] = field(max_length=100)


TIERS: dict[str, str | None] = {"free": "10/hour", "gold": "20/hour", "admin": None}
Open = Callable[..., Backend]


@pytest.fixture
def open_app(sqlite_urls: Urls) -> Iterator[Open]:
    """Open an app with these limits and settings, in a database of its own."""
    with ExitStack() as opened:

        def make(options: LimitsOptions | None = None, /, *, apart: bool = False, **settings: Any) -> Backend:
            app = Mainstay(resources=[Pamphlet], limits=options)
            _own_routes(app)
            url = None if apart else sqlite_urls.database_url
            return opened.enter_context(Backend(app, database_url=url, settings=settings))

        yield make


def _own_routes(app: Mainstay) -> None:
    router = APIRouter(prefix="/reports", dependencies=[Depends(limited("2/minute"))])

    @router.post("/daily")
    def daily() -> str:
        return "done"

    @router.get("/{name}")
    async def report(name: str, state: Annotated[LimitState, Depends(limit_state)]) -> dict[str, Any]:
        return {"tier": state.tier, "limit": state.limit, "remaining": state.remaining, "by": state.policies}

    @app.get("/me/limits")
    async def mine(state: Annotated[LimitState, Depends(limit_state)]) -> dict[str, Any]:
        return {"tier": state.tier, "limit": state.limit, "remaining": state.remaining}

    app.include_router(router)


def told(response: Any) -> tuple[int, str | None, str | None]:
    headers = response.headers
    return response.status_code, headers.get("x-ratelimit-tier"), headers.get("x-ratelimit-remaining")


def test_where_limits_are_off_nothing_is_counted(open_app: Open) -> None:
    backend = open_app(limits=False)
    answers = [backend.client.get("/api/v1/pamphlets") for _ in range(120)]
    assert {answer.status_code for answer in answers} == {200}
    assert "x-ratelimit-limit" not in answers[0].headers
    assert backend.client.post("/reports/daily").status_code == 200
    assert [backend.client.post("/reports/daily").status_code for _ in range(5)] == [200] * 5


def test_every_answer_of_generated_and_own_routes_tells_where_the_caller_stands(open_app: Open) -> None:
    backend = open_app(LimitsOptions(tiers=TIERS))
    backend.clock.freeze()
    gold = backend.as_user("ada", ["gold"]).client
    assert told(gold.get("/api/v1/pamphlets")) == (200, "gold", "19")
    assert told(gold.get("/api/v1/pamphlets?no=such")) == (400, "gold", "18")
    assert told(gold.get("/api/v1/nothing")) == (404, None, None)  # nobody was found to ask
    assert told(gold.get("/nothing")) == (404, "gold", "17")
    assert told(gold.patch("/api/v1/pamphlets")) == (405, "gold", "16")
    assert told(gold.head("/api/v1/pamphlets")) == (200, "gold", "15")
    assert told(gold.get("/me/limits")) == (200, "gold", "14")
    response = gold.get("/me/limits")
    assert response.json() == {"tier": "gold", "limit": 20, "remaining": 13}
    assert response.headers["ratelimit-policy"] == '"gold";q=20;w=3600'
    assert response.headers["ratelimit"] == '"gold";r=13;t=180'
    assert told(backend.as_user("root", ["admin"]).client.get("/me/limits")) == (200, "admin", "unlimited")
    assert told(backend.client.get("/me/limits")) == (200, "free", "9")


def test_at_the_limit_comes_a_problem_with_retry_after_on_both_kinds_of_routes(open_app: Open) -> None:
    backend = open_app(LimitsOptions(tiers=TIERS))
    backend.clock.freeze()
    client = backend.as_user("ada").client
    assert [client.get("/api/v1/pamphlets").status_code for _ in range(10)] == [200] * 10
    for path in ("/api/v1/pamphlets", "/me/limits", "/nothing"):
        refused = client.get(path)
        assert refused.status_code == 429
        assert refused.headers["retry-after"] == "360"
        assert refused.headers["content-type"] == "application/problem+json"
        problem = refused.json()
        assert (problem["code"], problem["violated-policies"]) == ("too_many_requests", ["free"])
        assert refused.headers["x-ratelimit-remaining"] == "0"
        assert refused.headers["x-request-id"] == problem["request_id"]
    assert client.get("/livez").status_code == 200
    backend.clock.advance(minutes=6)
    assert told(client.get("/api/v1/pamphlets")) == (200, "free", "0")


def test_a_resource_s_own_limits_hold_and_a_batch_does_not_get_round_them(open_app: Open) -> None:
    backend = open_app(LimitsOptions(tiers={"free": "100/hour"}))
    backend.clock.freeze()
    client = backend.as_user("ada").client
    created = client.post("/api/v1/pamphlets", json={"title": "a"})
    assert told(created) == (201, "free", "2")
    assert created.headers["ratelimit-policy"] == '"free";q=100;w=3600, "POST /api/v1/pamphlets";q=3;w=3600'
    operation = {"method": "POST", "path": "/pamphlets", "body": {"title": "b"}}
    refused = client.post("/api/v1/batch", json={"operations": [operation] * 3})
    assert (refused.status_code, refused.json()["violated-policies"]) == (429, ["POST /api/v1/pamphlets"])
    many = client.post("/api/v1/pamphlets", json=[{"title": "b"}] * 3)
    assert (many.status_code, many.json()["detail"][:24]) == (429, "This counts as 2 request")
    assert client.post("/api/v1/batch", json={"operations": [operation]}).status_code == 200
    assert client.post("/api/v1/pamphlets", json={"title": "c"}).status_code == 429
    many = client.get("/api/v1/pamphlets").json()["items"]
    assert len(many) == 2
    # A loose limit stands in the tier's place.
    one = f"/api/v1/pamphlets/{many[0]['id']}"
    assert [client.get(one).status_code for _ in range(41)] == [200] * 40 + [429]
    assert client.get("/api/v1/pamphlets").headers["x-ratelimit-remaining"] == "94"


def test_an_own_route_is_held_to_its_limit_beside_the_tier(open_app: Open) -> None:
    backend = open_app(LimitsOptions(tiers=TIERS))
    backend.clock.freeze()
    ada, bob = backend.as_user("ada").client, backend.as_user("bob").client
    assert [ada.post("/reports/daily").status_code for _ in range(3)] == [200, 200, 429]
    refused = ada.post("/reports/daily")
    assert refused.headers["retry-after"] == "30"
    assert refused.headers["x-ratelimit-limit"] == "2"
    assert refused.headers["ratelimit-policy"].startswith('"free";q=10;w=3600, "POST /reports/daily 2/minute";q=2;w=60')
    assert bob.post("/reports/daily").status_code == 200
    report = ada.get("/reports/weekly")
    assert report.json() == {"tier": "free", "limit": 2, "remaining": 1, "by": ["free", "GET /reports/{name} 2/minute"]}
    assert len([name for name in report.headers if name == "x-ratelimit-limit"]) == 1
    assert ada.get("/reports/monthly").status_code == 200
    assert ada.get("/reports/yearly").status_code == 429
    admin = backend.as_user("root", ["admin"]).client
    assert [admin.post("/reports/daily").status_code for _ in range(5)] == [200] * 5


def test_a_refused_proof_counts_for_its_address(open_app: Open) -> None:
    backend = open_app(LimitsOptions(tiers=TIERS))
    forged = {"Authorization": "Bearer nonsense"}
    assert [backend.client.get("/me/limits", headers=forged).status_code for _ in range(6)] == [200] * 6
    generated = [backend.client.get("/api/v1/pamphlets", headers=forged) for _ in range(5)]
    assert [answer.status_code for answer in generated] == [401] * 4 + [429]
    assert told(generated[0])[1:] == ("free", "3")


def test_signing_in_can_be_held_to_a_limit_by_address(open_app: Open) -> None:
    options = LimitsOptions(tiers=TIERS, routes={"POST /auth/sign-in": "2/minute by address"})
    backend = open_app(options)
    wrong = {"email": "ada@example.com", "password": "guess"}
    answers = [backend.client.post("/auth/sign-in", json=wrong) for _ in range(3)]
    assert answers[0].status_code != 429
    assert answers[2].status_code == 429
    assert answers[2].json()["violated-policies"] == ["POST /auth/sign-in"]


def test_an_app_wide_limit_comes_before_generated_routes_too(sqlite_urls: Urls) -> None:
    app = Mainstay(
        resources=[Pamphlet],
        limits=LimitsOptions(tiers={"free": "100/hour"}),
        dependencies=[Depends(limited("2/minute by address"))],
    )
    with Backend(app, database_url=sqlite_urls.database_url) as backend:
        ada = backend.as_user("ada").client
        first = ada.get("/api/v1/pamphlets")
        assert told(first) == (200, "free", "1")
        assert len(first.headers.get_list("x-ratelimit-limit")) == 1
        assert [ada.get("/api/v1/pamphlets").status_code for _ in range(2)] == [200, 429]


def test_many_sessions_behind_one_address_can_renew_their_tokens(open_app: Open) -> None:
    backend = open_app(LimitsOptions(tiers={"free": "2/hour"}))
    answers = [backend.client.post("/auth/refresh", json={"refresh_token": "x" * 43}) for _ in range(5)]
    assert 429 not in [answer.status_code for answer in answers]
    assert answers[0].headers["x-ratelimit-limit"] == "5000"


def test_what_a_browser_asks_before_it_asks_is_not_counted(open_app: Open) -> None:
    backend = open_app(LimitsOptions(tiers={"free": "2/hour"}))
    preflight = {"Origin": "http://localhost:3000", "Access-Control-Request-Method": "GET"}
    for path in ("/api/v1/pamphlets", "/me/limits"):
        assert {backend.client.options(path, headers=preflight).status_code for _ in range(4)} <= {200, 204}
    assert backend.client.get("/me/limits", headers={"Origin": "http://localhost:3000"}).status_code == 200


def test_the_operator_s_settings_go_over_the_app_s_options(open_app: Open) -> None:
    backend = open_app(LimitsOptions(tiers=TIERS), limits_tiers={"free": "3/hour"})
    assert [backend.client.get("/me/limits").status_code for _ in range(4)] == [200] * 3 + [429]


def test_the_operator_switches_limits_on_and_off(open_app: Open) -> None:
    assert "x-ratelimit-limit" not in open_app(LimitsOptions(), limits=False).client.get("/me/limits").headers


def test_the_default_tiers_hold_where_the_operator_switches_limits_on(open_app: Open) -> None:
    backend = open_app(limits=True)
    assert told(backend.client.get("/me/limits")) == (200, "free", "99")
    assert told(backend.as_user("ada", ["premium"]).client.get("/me/limits")) == (200, "premium", "999")


def test_a_proxy_is_believed_only_where_the_operator_names_it(open_app: Open) -> None:
    backend = open_app(limits=True, limits_tiers={"free": "2/hour"})
    for number in range(2):
        backend.client.get("/me/limits", headers={"X-Forwarded-For": f"198.51.100.{number}"})
    assert backend.client.get("/me/limits", headers={"X-Forwarded-For": "198.51.100.9"}).status_code == 429


def test_other_limits_hold_at_once_when_they_are_replaced(open_app: Open) -> None:
    backend = open_app(LimitsOptions(tiers=TIERS))
    client = backend.as_user("ada").client
    limiter = backend.app.rooms.limiter
    assert told(client.get("/me/limits"))[2] == "9"
    limiter.replace(LimitsOptions(tiers={"free": "5/hour"}))
    assert told(client.get("/me/limits"))[2] == "4"
    limiter.replace(None)
    assert told(client.get("/me/limits"))[2] is None


def test_processes_of_an_app_share_budgets_through_redis_and_other_apps_do_not(redis_url: str, open_app: Open) -> None:
    here, there = (open_app(LimitsOptions(tiers=TIERS), redis_url=redis_url) for _ in range(2))
    codes = [each.client.get("/me/limits").status_code for _ in range(6) for each in (here, there)]
    assert codes == [200] * 10 + [429] * 2
    secret = "another app's own secret key, long enough"
    other = open_app(LimitsOptions(tiers=TIERS), apart=True, redis_url=redis_url, secret_key=secret)
    assert told(other.client.get("/me/limits")) == (200, "free", "9")


def test_closed_while_redis_is_away_answers_are_503_problems(open_app: Open, own_redis: Redis) -> None:
    options = LimitsOptions(tiers=TIERS)
    backend = open_app(options, redis_url=own_redis.url, limits_without_redis="closed", cache="off")
    assert backend.client.get("/me/limits").status_code == 200
    own_redis.stop()
    for path in ("/api/v1/pamphlets", "/me/limits"):
        refused = backend.client.get(path)
        assert (refused.status_code, refused.json()["code"]) == (503, "limits_unavailable")
        assert refused.headers["retry-after"] == "1"
    assert backend.client.get("/livez").status_code == 200


def test_what_a_resource_declares_wrongly_is_named_at_the_start() -> None:
    class Leaflet(Resource):
        """One page."""

        __tablename__ = "leaflets_with_wrong_limits"
        __api__ = {"limits": {"create": "sometimes"}}  # noqa: RUF012  read once
        title: Mapped[str] = field(max_length=100)

    with pytest.raises(ConfigurationError, match=r"Leaflet.__api__ limits create: 'sometimes' is not a limit"):
        _ = Mainstay(resources=[Leaflet]).rooms


def test_a_limit_on_no_operation_is_named_at_the_start() -> None:
    class Brochure(Resource):
        """Some pages."""

        __tablename__ = "brochures_with_wrong_limits"
        __api__ = {"limits": {"batch": "1/hour"}}  # noqa: RUF012  read once
        title: Mapped[str] = field(max_length=100)

    with pytest.raises(ConfigurationError, match="no operation of its own"):
        _ = Mainstay(resources=[Brochure]).rooms
