"""Which headers may stand on every answer."""

import pytest

from mainstay import ConfigurationError, Settings


@pytest.mark.parametrize(
    ("headers", "named"),
    [
        ({"Content-Length": "0"}, "differs from answer to answer"),
        ({"Set-Cookie": "a=b"}, "differs from answer to answer"),
        ({"access-control-allow-origin": "*"}, "differs from answer to answer"),
        ({"X-A": "a\r\nSet-Cookie: b=c"}, "line break"),
        ({"X A": "a"}, "no header's name"),
        ({"X-A": "€"}, "line break"),
    ],
)
def test_a_header_that_would_break_answers_refuses_to_start(headers: dict[str, str], named: str) -> None:
    with pytest.raises(ConfigurationError, match=named):
        Settings(environment="testing", answer_headers=headers)


def test_they_are_read_from_the_environment_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAINSTAY_ANSWER_HEADERS", '{"X-Frame-Options": "DENY"}')
    assert Settings().answer_headers == {"X-Frame-Options": "DENY"}
