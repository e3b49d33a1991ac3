"""The process's log: one form for every logger, with who and where on each line, and no secrets."""

import logging
import warnings
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from mainstay.base.actor import Actor
from mainstay.base.context import Caller, acting
from mainstay.base.errors import ConfigurationError
from mainstay.telemetry import LogOptions, Telemetry, TelemetryOptions
from tests.rooms.telemetry.conftest import Kept, at_the_root, bare_root

USER = UUID("0192f0c1-2222-7000-8000-000000000007")
CALLER = Caller(Actor(USER), None, "request-of-the-caller")


def logging_to(kept: Kept, **options: Any) -> Telemetry:
    return Telemetry(TelemetryOptions(LogOptions(**options)), stream=kept)


async def test_every_logger_speaks_json_with_level_logger_and_extras(kept: Kept) -> None:
    async with at_the_root(logging_to(kept)):
        logging.getLogger("shop.orders").info("order %s taken", 7, extra={"total": 12.5, "lines": [1, "two"]})
        logging.getLogger("uvicorn.error").warning("a server's own")
        logging.getLogger("mainstay.relay").error("ours")
    order, server, ours = kept.entries
    assert (order["level"], order["logger"], order["event"]) == ("info", "shop.orders", "order 7 taken")
    assert (order["total"], order["lines"]) == (12.5, [1, "two"])
    assert order["at"].endswith("Z")
    assert (server["logger"], ours["level"]) == ("uvicorn.error", "error")


async def test_a_line_names_the_caller_and_the_request(kept: Kept) -> None:
    telemetry = logging_to(kept)
    ids = {"mainstay.request_id": "r" * 32, "mainstay.trace_id": "a" * 32}
    scope: dict[str, Any] = {"method": "GET", "path": "/", **ids}
    async with at_the_root(telemetry):
        with acting(CALLER):
            logging.getLogger("shop").warning("outside a request")
        telemetry.observer.started(scope)
        logging.getLogger("shop").warning("before anybody knows who calls")
        scope["mainstay.caller"] = CALLER
        logging.getLogger("shop").warning("inside")
        telemetry.observer.finished(scope, 200, 0.1)
        logging.getLogger("shop").warning("after")
    outside, before, inside, after = kept.entries
    assert (outside["request_id"], outside["user"]) == ("request-of-the-caller", str(USER))
    assert (before["request_id"], before["trace_id"]) == ("r" * 32, "a" * 32)
    assert "user" not in before
    assert (inside["request_id"], inside["user"]) == ("r" * 32, str(USER))
    assert "request_id" not in after


async def test_an_exception_is_told_with_its_stack_on_one_line(kept: Kept) -> None:
    async with at_the_root(logging_to(kept)):
        try:
            raise ZeroDivisionError("the password=hunter2 is\nno number")
        except ZeroDivisionError:
            logging.getLogger("shop").exception("could not divide")
    (entry,) = kept.entries
    assert entry["exception"]["type"] == "ZeroDivisionError"
    assert "test_log_lines.py" in entry["exception"]["stack"]
    assert "hunter2" not in kept.lines[0]


async def test_nothing_that_is_logged_breaks_the_log(kept: Kept) -> None:
    class Broken:
        def __str__(self) -> str:
            raise RuntimeError("no words")

    log = logging.getLogger("shop")
    async with at_the_root(logging_to(kept)):
        log.warning("%d of %s", "not a number")
        log.warning("half a pair \ud800", extra={"path": "\udcff", "number": 2**70})
        log.warning("strange", extra={"thing": Broken(), "deep": {"a": {"b": {"c": {"d": {"e": {"f": {"g": 1}}}}}}}})
        log.warning("own words", extra={"level": "fatal", "user": "root", "at": "never"})
        log.warning("x" * 100_000)
    entries = kept.entries
    assert len(entries) == 5
    assert entries[2]["thing"] == "<Broken>"
    # What a record brings never takes the place of what the line says.
    assert (entries[3]["level"], entries[3]["extra_level"], entries[3]["extra_user"]) == ("warning", "fatal", "root")
    assert len(kept.lines[4]) < 20_000


async def test_levels_are_chosen_for_all_and_for_single_loggers(kept: Kept) -> None:
    async with at_the_root(
        logging_to(kept, level="warning", levels={"shop.basket": "debug", "mainstay.access": "ERROR"})
    ):
        logging.getLogger("shop").info("quiet")
        logging.getLogger("shop.basket").debug("loud")
        assert logging.getLogger("mainstay.access").level == logging.ERROR
    assert [entry["event"] for entry in kept.entries] == ["loud"]
    with pytest.raises(ConfigurationError, match="chatty is no level of logging for shop"):
        logging_to(kept, levels={"shop": "chatty"})


async def test_a_servers_access_log_stays_silent_until_it_is_asked_for(kept: Kept) -> None:
    async with at_the_root(logging_to(kept)):
        logging.getLogger("uvicorn.access").info("GET /secret?token=abc")
    assert kept.lines == []
    async with at_the_root(logging_to(kept, levels={"uvicorn.access": "INFO"})):
        logging.getLogger("uvicorn.access").info("GET /")
    assert [entry["logger"] for entry in kept.entries] == ["uvicorn.access"]


async def test_warnings_are_lines_too(kept: Kept) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        async with at_the_root(logging_to(kept)):
            warnings.warn("this goes away", UserWarning, stacklevel=1)
    assert kept.entries[0]["logger"] == "py.warnings"
    assert "this goes away" in kept.entries[0]["event"]


async def test_all_is_as_before_afterwards(kept: Kept) -> None:
    server, mine = logging.getLogger("uvicorn"), logging.NullHandler()
    server.handlers, server.propagate = [mine], False
    try:
        async with at_the_root(logging_to(kept, levels={"shop": "DEBUG"})):
            assert (server.handlers, server.propagate) == ([], True)
        assert (server.handlers, server.propagate) == ([mine], False)
    finally:
        server.handlers, server.propagate = [], True
    assert logging.getLogger("shop").level == logging.NOTSET


async def test_logging_that_the_user_configured_is_left_alone(kept: Kept) -> None:
    mine = logging.NullHandler()
    with bare_root() as root:
        root.addHandler(mine)
        async with logging_to(kept).running():
            assert root.handlers == [mine]
            logging.getLogger("shop").error("to the user's own handler")
        root.removeHandler(mine)
    assert kept.lines == []


async def test_a_plain_line_cannot_be_forged_or_drive_the_terminal(kept: Kept) -> None:
    async with at_the_root(logging_to(kept, form="plain")):
        logging.getLogger("shop").warning(
            "bought\n12:00:00 INFO forged \x1b[2J", extra={"note": "a\r\nb", "pin_token": "1"}
        )
    (line,) = kept.lines
    assert len(line.splitlines()) == 1
    assert "\x1b" not in line
    assert "WARNING shop: bought" in line
    assert "pin_token=***" in line


async def test_off_leaves_logging_alone(kept: Kept) -> None:
    telemetry = logging_to(kept, form="off")
    async with at_the_root(telemetry) as root:
        assert root.handlers == []
    assert not telemetry.access_log.enabled


async def test_a_file_gets_every_line_beside_the_stream(kept: Kept, tmp_path: Path) -> None:
    file = tmp_path / "logs" / "app.log"
    telemetry = logging_to(kept, file=file)
    async with at_the_root(telemetry):
        logging.getLogger("shop").warning("bought")
        telemetry.access_log.finished({"method": "GET", "path": "/a"}, 200, 0.01)
    assert file.read_text().splitlines() == kept.lines
    assert [entry["event"] for entry in kept.entries] == ["bought", "request"]


def test_a_file_that_cannot_be_written_is_told_in_a_sentence(kept: Kept, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    telemetry = logging_to(kept, file=tmp_path / "file" / "app.log")
    with pytest.raises(ConfigurationError, match="cannot be written"):
        telemetry.logs.open()
    telemetry.logs.close()
