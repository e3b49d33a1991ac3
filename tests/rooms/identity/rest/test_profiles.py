"""The app's own columns, preferences and pictures."""

import struct
import zlib
from collections.abc import Iterator
from enum import StrEnum
from typing import Any, Literal

import pytest
from pydantic import BaseModel
from sqlalchemy.orm import Mapped

from mainstay import ConfigurationError, UserProfile, field
from mainstay.identity.profiles.picture import PNG, read_picture
from mainstay.testing import Backend
from tests.databases import Urls
from tests.rooms.identity.rest.company import company

ME = "/auth/me"


class Plan(StrEnum):
    free = "free"
    paid = "paid"


class Wishes(BaseModel):
    """What members choose."""

    theme: Literal["light", "dark"] = "light"
    digest: bool = True
    columns: list[str] = ["title"]


class Profile(UserProfile):
    """What this app keeps of its users."""

    __sign_up__ = ("company",)
    __preferences__ = Wishes
    company: Mapped[str | None] = field(max_length=20, trim=True)
    badge: Mapped[str | None] = field(max_length=20, unique=True)
    plan: Mapped[Plan] = field(default=Plan.free, write=False)
    may_publish: Mapped[bool] = field(default=False, write=False)
    remarks: Mapped[str] = field(default="", read=False, write=False)


@pytest.fixture
def backend(urls: Urls) -> Iterator[Backend]:
    with company(urls, user=Profile) as backend:
        yield backend


def test_a_user_sees_and_changes_what_is_theirs(backend: Backend) -> None:
    ada = backend.tenant("acme").as_user("ada")
    untouched = {"company": None, "badge": None, "plan": "free", "may_publish": False}
    assert ada.get(ME).json()["profile"] == untouched
    changed = ada.patch(f"{ME}/profile", json={"company": " Acme ", "badge": "A-1"})
    assert changed.json() == untouched | {"company": "Acme", "badge": "A-1"}
    assert ada.patch(f"{ME}/profile", json={"badge": None}).json()["badge"] is None
    assert ada.get(ME).json()["profile"]["company"] == "Acme"
    for patch, code in (
        ({"may_publish": True}, "read_only"), ({"plan": "paid"}, "read_only"), ({"remarks": "x"}, "unknown_field"),
        ({"user_id": str(ada.id)}, "unknown_field"), ({"nothing": 1}, "unknown_field"),
        ({"company": "x" * 21}, "too_long"), ({"company": 7}, "string_type"),
    ):  # fmt: skip
        refused = ada.patch(f"{ME}/profile", json=patch)
        assert refused.status_code == 422, patch
        assert refused.json()["errors"][0]["loc"][:2] == ["body", "profile"]
        assert code == "string_type" or refused.json()["errors"][0]["code"] == code, refused.text
    eve = backend.tenant("acme").as_user("eve")
    ada.patch(f"{ME}/profile", json={"badge": "A-1"})
    taken = eve.patch(f"{ME}/profile", json={"badge": "A-1"})
    assert (taken.status_code, taken.json()["code"]) == (409, "taken")
    assert eve.get(ME).json()["profile"] == untouched


def test_administrators_set_flags_of_their_own_members(backend: Backend) -> None:
    acme, zeta = backend.tenant("acme"), backend.tenant("zeta")
    boss, ada, zoe = acme.as_user("boss", ["admin"]), acme.as_user("ada"), zeta.as_user("zoe")
    changed = boss.patch(f"/auth/users/{ada.id}", json={"profile": {"may_publish": True, "remarks": "a good one"}})
    assert changed.json()["profile"]["remarks"] == "a good one"
    assert ada.get(ME).json()["profile"]["may_publish"] is True
    assert "remarks" not in ada.get(ME).json()["profile"]
    assert boss.patch(f"/auth/users/{zoe.id}", json={"profile": {"may_publish": True}}).status_code == 404
    assert boss.patch(f"/auth/users/{ada.id}", json={"profile": {"plan": "gold"}}).status_code == 422
    zeta.as_user("ada")
    shared = boss.patch(f"/auth/users/{ada.id}", json={"profile": {"may_publish": False}})
    assert (shared.status_code, shared.json()["code"]) == (403, "shared_account")
    assert ada.patch(f"/auth/users/{ada.id}", json={"profile": {"may_publish": True}}).status_code == 403


class Staff(UserProfile):
    """What another app keeps of its users."""

    branch: Mapped[str] = field(max_length=20)
    badge: Mapped[str | None] = field(max_length=20, unique=True)


def test_whoever_makes_an_account_says_what_the_app_wants_to_know(urls: Urls) -> None:
    with company(urls, user=Staff) as backend:
        boss = backend.tenant("acme").as_user("boss", ["admin"])
        lacking: list[Any] = [{}, None, {"badge": "A-1"}, {"branch": None}]
        for sent in ({}, *({"profile": each} for each in lacking)):
            refused = boss.post("/auth/users", json={"email": "ada@example.com", **sent})
            assert refused.status_code == 422, refused.text
        whole = {"branch": "Oslo", "badge": "A-1"}
        made = boss.post("/auth/users", json={"email": "ada@example.com", "profile": whole})
        assert made.status_code == 201, made.text
        assert boss.get(made.headers["location"]).json()["profile"] == whole
        taken = boss.post("/auth/users", json={"email": "eve@example.com", "profile": whole})
        assert (taken.status_code, taken.json()["code"]) == (409, "taken")
        assert taken.json()["errors"][0]["loc"] == ["body", "profile", "badge"]
        assert len(boss.get("/auth/users").json()["items"]) == 2


def test_preferences_are_typed_merged_and_have_defaults(backend: Backend) -> None:
    ada = backend.tenant("acme").as_user("ada")
    path = f"{ME}/preferences"
    assert ada.get(path).json() == {"theme": "light", "digest": True, "columns": ["title"]}
    assert ada.patch(path, json={"theme": "dark"}).json()["theme"] == "dark"
    assert ada.patch(path, json={"digest": False}).json() == {"theme": "dark", "digest": False, "columns": ["title"]}
    assert ada.patch(path, json={"theme": None}).json()["theme"] == "light"
    for wrong in ({"theme": "pink"}, {"strange": 1}, {"columns": "title"}, {"columns": ["x" * 9000]}):
        assert ada.patch(path, json=wrong).status_code == 422, wrong
    assert ada.get(path).json()["digest"] is False
    assert backend.tenant("acme").as_user("eve").get(path).json()["digest"] is True
    assert backend.tenant("acme").anonymous.get(path).status_code == 401


def test_without_a_profile_there_are_no_fields_and_free_preferences(urls: Urls) -> None:
    with company(urls) as backend:
        ada = backend.tenant("acme").as_user("ada")
        assert ada.get(ME).json()["profile"] == {}
        assert ada.patch(f"{ME}/profile", json={"company": "x"}).status_code == 422
        assert ada.patch(f"{ME}/preferences", json={"a": {"b": 1, "c": 2}}).json() == {"a": {"b": 1, "c": 2}}
        assert ada.patch(f"{ME}/preferences", json={"a": {"b": None}}).json() == {"a": {"c": 2}}
        deep: Any = 1
        for _ in range(40):
            deep = {"x": deep}
        assert ada.patch(f"{ME}/preferences", json=deep).status_code == 422


def png(width: int = 1, height: int = 1, *extra: tuple[bytes, bytes]) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    data = zlib.compress(b"\x00\x00")
    chunks = ((b"IHDR", header), *extra, (b"IDAT", data), (b"IEND", b""))
    return PNG + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in chunks
    )


def test_a_picture_is_shown_as_a_picture_and_nothing_else(backend: Backend) -> None:
    ada = backend.tenant("acme").as_user("ada")
    secret = png(1, 1, (b"tEXt", b"Comment\x00<script>alert(1)</script>")) + b"<script>alert(2)</script>"
    put = ada.put(f"{ME}/avatar", content=secret, headers={"Content-Type": "text/html"})
    assert put.status_code == 200, put.text
    where = put.json()["avatar"]
    assert ada.get(ME).json()["avatar"] == where
    shown = backend.client.get(where)
    assert shown.content == png()
    assert shown.headers["content-type"] == "image/png"
    assert "nosniff" in shown.headers["x-content-type-options"]
    assert "default-src 'none'; sandbox" in shown.headers["content-security-policy"]
    again = ada.put(f"{ME}/avatar", content=png(2, 2)).json()["avatar"]
    assert again != where
    assert backend.client.get(where).status_code == 404
    assert ada.delete(f"{ME}/avatar").status_code == 204
    assert backend.client.get(again).status_code == 404
    assert ada.get(ME).json()["avatar"] is None


def test_what_is_no_picture_is_refused(backend: Backend) -> None:
    ada = backend.tenant("acme").as_user("ada")
    good = png()
    svg = b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"
    broken = good[:20] + bytes([good[20] ^ 1]) + good[21:]
    for content in (b"", svg, b"GIF89a", b"MZ", good[:-5], broken, PNG, png(4096, 1), png(0, 1), b"\xff\xd8", b"RIFF"):
        refused = ada.put(f"{ME}/avatar", content=content, headers={"Content-Type": "image/png"})
        assert (refused.status_code, refused.json()["code"]) == (422, "invalid"), content[:20]
    assert ada.put(f"{ME}/avatar", content=png(1, 1, (b"tEXt", b"x" * 300_000))).status_code == 413
    assert ada.get(ME).json()["avatar"] is None
    for name in ("x", "../../etc/passwd", "a" * 22, "%00" * 8):
        assert backend.client.get(f"/auth/avatars/{name}").status_code in (404, 422)


def test_a_jpeg_and_a_webp_lose_their_metadata() -> None:
    frame = b"\xff\xc0\x00\x0b\x08\x00\x10\x00\x10\x01\x01\x11\x00"
    scan = b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00" + b"\x12\xff\x00\x34\xff\xd0\x56"
    exif = b"\xff\xe1\x00\x0cExif\x00\x00GPS!"
    jpeg = read_picture(b"\xff\xd8" + exif + frame + scan + b"\xff\xd9" + b"<script>")
    assert jpeg.media_type == "image/jpeg"
    assert jpeg.content == b"\xff\xd8" + frame + scan + b"\xff\xd9"
    body = b"\x2f" + (15 | 15 << 14).to_bytes(4, "little") + b"data!"

    def riff(*chunks: tuple[bytes, bytes]) -> bytes:
        inner = b"WEBP" + b"".join(n + struct.pack("<I", len(c)) + c + b"\x00" * (len(c) & 1) for n, c in chunks)
        return b"RIFF" + struct.pack("<I", len(inner)) + inner

    webp = read_picture(riff((b"VP8L", body), (b"EXIF", b"somewhere")) + b"behind")
    assert webp.content == riff((b"VP8L", body))


def test_a_profile_that_cannot_work_is_refused_with_a_sentence() -> None:
    with pytest.raises(ConfigurationError, match="something else of a user's"):

        class Clash(UserProfile):
            email: Mapped[str] = field()

    with pytest.raises(ConfigurationError, match="asks for phone"):

        class Missing(UserProfile):
            __sign_up__ = ("phone",)
            company: Mapped[str] = field()

    class Demanding(BaseModel):
        theme: str

    with pytest.raises(ConfigurationError, match="has no default"):

        class Lacking(UserProfile):
            __preferences__ = Demanding
            company: Mapped[str] = field()


def test_the_sign_up_form_asks_for_what_the_app_wants(backend: Backend) -> None:
    form = {"email": "new@example.org", "password": "a fine long passphrase"}
    for profile, code in (({"badge": "A-1"}, 422), ({"may_publish": True}, 422), ({"company": "x" * 30}, 422)):
        assert backend.client.post("/auth/sign-up", json=form | {"profile": profile}).status_code == code
    asked = backend.client.post("/auth/sign-up", json=form | {"profile": {"company": " Acme "}})
    assert asked.status_code == 202, asked.text
    user = backend.run(backend.app.rooms.identity.find_user, "new@example.org")
    assert user is not None
    assert backend.run(backend.app.rooms.identity.profiles.get, user.id)["company"] == "Acme"


def test_openapi_tells_which_fields_are_taken_where(backend: Backend) -> None:
    schema = backend.client.get("/openapi.json").json()
    bodies = schema["components"]["schemas"]
    for body, names in (("SignUp", {"company"}), ("UserChange", set(Profile.__table__.columns.keys()) - {"user_id"})):
        described = bodies[body]["properties"]["profile"]["anyOf"][0]
        assert (set(described["properties"]), described["additionalProperties"]) == (names, False)
    own = schema["paths"]["/auth/me/profile"]["patch"]["requestBody"]["content"]["application/json"]["schema"]
    assert (set(own["properties"]), own["additionalProperties"]) == ({"company", "badge"}, False)
