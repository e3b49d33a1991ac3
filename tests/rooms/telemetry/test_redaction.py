"""Secrets are taken out of lines: by their names, and by what they look like."""

import time

import pytest

from mainstay.telemetry.logs.redact import (
    is_secret_name,
    redacted,
    redacted_value,
)  # house: door: a detail worth its own test

JWT = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer s3cret-value-1234",
        "authorization='Basic czNjcmV0LXZhbHVl'",
        f"the token {JWT} has expired",
        "password=s3cret-value-1234",
        "password = 's3cret-value with spaces'",
        '{"password": "s3cret-value", "name": "ada"}',
        "{'api_key': b's3cret-value'}",
        "POST /sign-in?user=ada&token=s3cret-value&next=/",
        "Cookie: session=s3cret-value; theme=dark",
        "Set-Cookie: __Host-session=s3cret-value; Secure",
        "connecting to postgresql://ada:s3cret-value@db.example/shop",
        "redis://:s3cret-value@localhost/0",
        "X-CSRF-Token: s3cret-value",
        "client_secret=s3cret-value",
        "refresh_token: s3cret-value",
        "MAINSTAY_SECRET_KEY=s3cret-value",
        "userPassword=s3cret-value",
        "password=\"s3cret-value it's cut off",
        "a-long-prefix-" * 9 + "token=s3cret-value",
    ],
)
def test_what_looks_like_a_secret_is_hidden(text: str) -> None:
    told = redacted(text)
    assert "s3cret" not in told
    assert JWT not in told
    assert "czNj" not in told
    assert "***" in told


@pytest.mark.parametrize(
    "text",
    [
        "order 7 of 12.50 taken by 0192f0c1-2222-7000-8000-000000000007",
        "GET /api/v1/books?status=published&limit=20",
        "the bearer of this message",
        "https://example.com/a/b:c",
        "connected to postgresql://db.example:5432/shop",
    ],
)
def test_what_is_no_secret_is_told_as_it_is(text: str) -> None:
    assert redacted(text) == text


@pytest.mark.parametrize(
    "name",
    ["Authorization", "cookie", "Set-Cookie", "password", "new_password", "passwd", "SECRET_KEY", "apiKey", "api-key",
     "access_token", "X-CSRF-Token", "otp", "credentials", "session_id", "private_key", "passphrase"],
)  # fmt: skip
def test_names_of_secrets_are_known_in_any_spelling(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize("name", ["author", "title", "token_type", "key", "statement", "password_grant", "duration_ms"])
def test_other_names_are_none(name: str) -> None:
    assert not is_secret_name(name)


@pytest.mark.parametrize(
    "nasty",
    ["1" * 16_000, "-eyJ" * 4_000, "a." * 8_000, "://" * 5_000, "password" * 2_000, "token=" * 2_600,
     'password="' * 1_600,
     "Bearer " * 2_300, "Bearer" + " " * 16_000, "cookie" * 2_600, "x-" * 8_000 + "=", "secret" + "-" * 16_000,
     "password='" + "\\" * 16_000, "api_key" + "\t" * 16_000 + "="],
)  # fmt: skip
def test_what_a_caller_sends_cannot_keep_it_busy(nasty: str) -> None:
    began = time.process_time()
    redacted(nasty)
    assert time.process_time() - began < 0.25


def test_secrets_are_found_however_deep_they_lie() -> None:
    value = {
        "user": "ada",
        "headers": [{"authorization": "x"}, {"accept": "Bearer abcdefgh"}],
        "otp": 123456,
        "n": True,
    }
    assert redacted_value("request", value) == {
        "user": "ada",
        "headers": [{"authorization": "***"}, {"accept": "Bearer ***"}],
        "otp": "***",
        "n": True,
    }
