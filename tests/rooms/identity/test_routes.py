"""The /auth routes and the dependencies, in a plain FastAPI app with no other room."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

import httpx
import jwt
import pytest
from fastapi import Depends, FastAPI, Request, Response, Security

from mainstay.base.errors import Rejected
from mainstay.identity import (
    CurrentUser,
    auth_routes,
    current_user,
    require_any_scope,
    require_roles,
    require_scopes,
)
from mainstay.web import problem
from tests.rooms.identity.rooms import PASSWORD, Rooms

ADA = {"email": "ada@example.org", "password": PASSWORD}


@pytest.fixture
async def client(rooms: Rooms) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    app.state.identity = rooms.identity
    app.include_router(auth_routes(rooms.identity))

    @app.exception_handler(Rejected)
    async def refuse(request: Request, error: Rejected) -> Response:
        status, headers, body = problem(error, "r", request.url.path)
        return Response(body, status, {name.decode(): value.decode() for name, value in headers})

    @app.get("/plain")
    async def plain(user: Annotated[CurrentUser, Depends(current_user)]) -> str:
        return str(user.id)

    @app.get("/security")
    async def security(
        user: Annotated[CurrentUser, Security(current_user, scopes=["books:read", "admin:read"])],
    ) -> str:
        return str(user.id)

    for path, requirement in {
        "/all": require_scopes("books:read", "books:write"),
        "/any": require_any_scope("admin:write", "books:write"),
        "/editors": require_roles("editor", "publisher"),
    }.items():
        app.get(path, dependencies=[Depends(requirement)])(lambda: "in")

    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


async def sign_in(client: httpx.AsyncClient, **wishes: Any) -> dict[str, str]:
    answer = await client.post("/auth/sign-in", json=ADA | wishes)
    assert answer.status_code == 200, answer.text
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


async def test_from_sign_up_to_sign_out(client: httpx.AsyncClient) -> None:
    made = await client.post("/auth/sign-up", json=ADA)
    assert (made.status_code, made.json()) == (202, {"email": ADA["email"]})
    again = await client.post("/auth/sign-up", json=ADA)
    assert (again.status_code, again.json()) == (202, {"email": ADA["email"]})

    answer = await client.post("/auth/sign-in", json=ADA, headers={"User-Agent": "test\x01agent"})
    assert answer.headers["cache-control"] == "no-store"
    tokens = answer.json()
    assert set(tokens) == {"access_token", "refresh_token", "token_type", "expires_in", "scope", "device_token"}
    assert (tokens["token_type"], tokens["expires_in"]) == ("Bearer", 600)

    signed = {"Authorization": f"Bearer {tokens['access_token']}"}
    me = (await client.get("/auth/me", headers=signed)).json()
    assert (me["email"], me["roles"]) == (ADA["email"], ["user"])
    (session,) = (await client.get("/auth/sessions", headers=signed)).json()["items"]
    assert (session["current"], session["id"], session["user_agent"]) == (True, me["session_id"], "testagent")

    newer = (await client.post("/auth/refresh", json={"refresh_token": tokens["refresh_token"]})).json()
    assert newer["refresh_token"] != tokens["refresh_token"]

    assert (await client.post("/auth/sign-out", headers=signed)).status_code == 204
    refused = await client.get("/auth/me", headers=signed)
    assert refused.status_code == 401
    assert 'error="invalid_token"' in refused.headers["www-authenticate"]
    assert (await client.post("/auth/refresh", json={"refresh_token": newer["refresh_token"]})).status_code == 401


async def test_logging_out_everywhere_answers_the_count(client: httpx.AsyncClient) -> None:
    await client.post("/auth/sign-up", json=ADA)
    signed = [await sign_in(client) for _ in range(3)]
    assert (await client.post("/auth/logout-all", headers=signed[0])).json() == {"count": 3}
    assert [(await client.get("/auth/me", headers=each)).status_code for each in signed] == [401, 401, 401]


async def test_wrong_credentials_are_401_with_one_text(client: httpx.AsyncClient) -> None:
    await client.post("/auth/sign-up", json=ADA)
    wrong = await client.post("/auth/sign-in", json=ADA | {"password": "wrong horse battery"})
    unknown = await client.post("/auth/sign-in", json=ADA | {"email": "bob@example.org"})
    assert (wrong.status_code, unknown.status_code) == (401, 401)
    assert wrong.headers["www-authenticate"].startswith("Bearer")
    assert wrong.json() == unknown.json()


BAD_BODIES = (
    (b"", 422),
    (b"{", 400),
    (b"[]", 422),
    (b'{"email": "a@b.c", "email": "d@e.f", "password": "long enough"}', 400),
    (b'{"email": "a@b.c\\u0000", "password": "long enough"}', 400),
    (b'{"email": "a@b.c", "password": "\\ud800xxxxxxx"}', 400),
    (b'{"email": "a@b.c", "password": 12345678}', 422),
    (b'{"email": "a@b.c", "password": "long enough", "role": "admin"}', 422),
    (b'{"email": "a@b.c", "password": "short"}', 422),
    (b'{"email": "a@b.c", "password": "password123"}', 422),
    (b'{"email": "nobody", "password": "long enough"}', 422),
)


async def test_a_bad_sign_up_is_refused(client: httpx.AsyncClient) -> None:
    for body, status in BAD_BODIES:
        answer = await client.post("/auth/sign-up", content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code == status, (body, answer.text)


async def test_a_body_that_is_not_json_is_415(client: httpx.AsyncClient) -> None:
    assert (await client.post("/auth/sign-in", data=ADA)).status_code == 415


async def test_the_password_form_answers_as_rfc_6749_wants(client: httpx.AsyncClient) -> None:
    await client.post("/auth/sign-up", json=ADA)
    form = {"grant_type": "password", "username": ADA["email"], "password": ADA["password"], "client_id": "docs"}
    good = await client.post("/auth/token", data=form | {"scope": "books:read"})
    assert good.status_code == 200, good.text
    assert good.json()["scope"] == "books:read"
    assert (await client.post("/auth/token", data=form | {"scope": ""})).status_code == 200
    for change, error in (
        ({"password": "wrong horse battery"}, "invalid_grant"),
        ({"grant_type": "client_credentials"}, "unsupported_grant_type"),
        ({"username": ""}, "invalid_request"),
        ({"scope": "admin:write"}, "invalid_scope"),
        ({"scope": "two  blanks"}, "invalid_scope"),
    ):
        answer = await client.post("/auth/token", data=form | change)
        assert (answer.status_code, answer.json()["error"]) == (400, error), answer.text
        assert answer.headers["content-type"] == "application/problem+json"


async def test_the_password_form_can_be_left_out(rooms: Rooms) -> None:
    def paths(**wishes: bool) -> set[str]:
        app = FastAPI()
        app.include_router(auth_routes(rooms.identity, **wishes))
        return set(app.openapi()["paths"])

    assert {"/auth/token", "/auth/sign-up"} <= paths()
    assert not {"/auth/token", "/auth/sign-up"} & paths(password_grant=False, sign_up=False)


async def test_scopes_bound_what_a_session_may_do_and_a_403_names_the_missing(client: httpx.AsyncClient) -> None:
    await client.post("/auth/sign-up", json=ADA)
    full, narrow = await sign_in(client), await sign_in(client, scope="books:read")
    for path in ("/plain", "/all", "/any"):
        assert (await client.get(path)).status_code == 401
        assert (await client.get(path, headers=full)).status_code == 200
    assert (await client.get("/plain", headers=narrow)).status_code == 200
    for path, missing in (("/all", ["books:write"]), ("/any", ["admin:write", "books:write"])):
        refused = await client.get(path, headers=narrow)
        assert refused.status_code == 403
        assert refused.json()["missing_scopes"] == missing
        assert all(scope in refused.json()["detail"] for scope in missing)
        assert 'error="insufficient_scope"' in refused.headers["www-authenticate"]
    refused = await client.get("/security", headers=full)
    assert (refused.status_code, refused.json()["missing_scopes"]) == (403, ["admin:read"])


async def test_roles_are_those_of_the_tenant_and_change_at_once(client: httpx.AsyncClient, rooms: Rooms) -> None:
    await client.post("/auth/sign-up", json=ADA)
    signed = await sign_in(client)
    refused = await client.get("/editors", headers=signed)
    assert (refused.status_code, refused.json()["missing_roles"]) == (403, ["editor", "publisher"])
    user = await rooms.identity.find_user(ADA["email"])
    assert user is not None
    for roles, status in ((["publisher"], 200), (["user"], 403), (["admin"], 200)):
        await rooms.tenancy.set_roles(rooms.tenancy.default_scope().tenant_id, user.id, roles)
        assert (await client.get("/editors", headers=signed)).status_code == status


async def test_the_catalogue_says_what_scopes_are_for(client: httpx.AsyncClient) -> None:
    await client.post("/auth/sign-up", json=ADA)
    narrow = await sign_in(client, scope="books:read")
    every = (await client.get("/auth/scopes")).json()["items"]
    assert {"user:read", "system:write", "books:read", "books:write", "books:delete"} <= {
        each["name"] for each in every
    }
    mine = (await client.get("/auth/me/scopes", headers=narrow)).json()["items"]
    assert mine == [{"name": "books:read", "description": "Read books", "category": "books", "sensitivity": "low"}]


async def test_the_key_set_verifies_tokens_elsewhere(client: httpx.AsyncClient) -> None:
    await client.post("/auth/sign-up", json=ADA)
    token = (await sign_in(client))["Authorization"].removeprefix("Bearer ")
    answer = await client.get("/.well-known/jwks.json")
    assert answer.headers["cache-control"] == "public, max-age=300"
    keys = jwt.PyJWKSet.from_dict(answer.json())
    key = keys[jwt.get_unverified_header(token)["kid"]]
    claims = jwt.decode(
        token, key, algorithms=["ES256"], audience="mainstay", issuer="mainstay",
        options={"verify_exp": False, "verify_nbf": False, "verify_iat": False},
    )  # fmt: skip
    assert {"iss", "aud", "exp", "iat", "nbf", "jti", "sid", "sub", "tid", "amr", "auth_time", "client_id"} < set(
        claims
    )


async def test_other_proof_is_refused(client: httpx.AsyncClient) -> None:
    for header in (b"", b"Bearer", b"Bearer ", b"Basic YTpi", b"Bearer a.b.c", b"Bearer \xe9", b"bearer x"):
        answer = await client.get("/auth/me", headers=[(b"Authorization", header)])
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_a_405_names_every_method_of_the_path(client: httpx.AsyncClient) -> None:
    for method in ("OPTIONS", "DELETE"):
        refused = await client.request(method, "/auth/me")
        assert (refused.status_code, refused.headers["allow"]) == (405, "GET, PATCH")
