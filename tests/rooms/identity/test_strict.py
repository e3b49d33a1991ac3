"""One spelling of a token, and tokens signed as the key says."""

import base64

import pytest

from mainstay.identity.jose.strict import canonical, is_low, strict_object
from mainstay.identity.options import IdentityOptions
from mainstay.identity.signing.signing_key import Algorithm, SigningKey
from mainstay.identity.tokens.access_token import head_of, sign, verify
from tests.rooms.identity.test_keys import SESSION, TENANT, USER


def test_base64_has_one_spelling() -> None:
    for length in range(1, 9):
        good = base64.urlsafe_b64encode(bytes(range(length))).rstrip(b"=")
        assert canonical(good)
        assert not canonical(good + b"=")
        if length % 3:
            assert not canonical(good[:-1] + bytes([good[-1] + 1]))
    assert not canonical(b"A")


@pytest.mark.parametrize(
    "text",
    ['{"a":1,"a":1}', '{"a":{"b":1,"\\u0062":2}}', '{"a":NaN}', '{"a":-Infinity}', "[]", "1", "", "[" * 5000, "{} {}"],
)
def test_json_that_readers_could_differ_about_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        strict_object(text.encode())


def test_signatures_of_ours_are_always_the_lower_of_two() -> None:
    key = SigningKey.generate()
    tokens = [sign(key, IdentityOptions(), 1_900_000_000, USER, SESSION, TENANT, None) for _ in range(24)]
    assert all(is_low(token.encode()) for token in tokens)


@pytest.mark.parametrize("algorithm", ["ES256", "RS256", "Ed25519"])
def test_every_algorithm_signs_what_it_reads_and_says_how_the_user_was_authenticated(algorithm: Algorithm) -> None:
    key, options, now = SigningKey.generate(algorithm), IdentityOptions(), 1_900_000_000
    token = sign(
        key, options, now, USER, SESSION, TENANT, "a b", auth_time=now - 9, amr={"pwd", "otp"}, impersonator=TENANT
    ).encode()
    assert head_of(token) == key.head
    read = verify(token, key, options, lambda: now)
    assert (read.user_id, read.session_id, read.tenant_id, read.scopes) == (
        USER,
        SESSION,
        TENANT,
        frozenset({"a", "b"}),
    )
    said = strict_object(base64.urlsafe_b64decode(token.split(b".")[1] + b"=="))
    assert (said["auth_time"], said["amr"], said["act"]) == (now - 9, ["otp", "pwd"], {"sub": str(TENANT)})
    assert said["client_id"] == "mainstay"
