"""Letters wait in the database, sealed, and are sent once."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text

from mainstay.base.errors import ConfigurationError, Invalid
from mainstay.base.secret import MasterKey, Secret
from mainstay.mail import QueueOptions
from mainstay.mail.errors import Away, PutOff, QueueFull, Refused, UnknownTemplate
from mainstay.mail.message import Message
from mainstay.mail.tables import letters
from mainstay.storage.control import in_turn
from mainstay.testing import FakeClock
from tests.rooms.mail.engines import Moody
from tests.rooms.mail.post import MASTER, Office, Town

TOKEN = "abcdefghijklmnopqrstuvwxyz012345"
LINK = f"https://shop.example/verify?token={TOKEN}"
ADA = "ada@example.com"
NAME = letters.name
ROWS = select(letters.c.state, letters.c.sealed, letters.c.reason, letters.c.attempts, letters.c.due_at)


async def rows(office: Office) -> list[Any]:
    return [tuple(row) for row in await office.control.fetch(ROWS)]


@pytest.fixture
async def moody(processes: Town) -> tuple[Office, Moody]:
    """A process whose engine answers as the test wants."""
    engine = Moody()
    return await processes.open(engine), engine


async def test_a_letter_is_sent_after_the_transaction_it_was_written_in(office: Office) -> None:
    def flow() -> Any:
        yield from in_turn(office.mail.letter("verify-email", ADA, {"link": LINK}))

    await office.control.write(flow())
    assert office.sent == []
    assert await office.mail.deliver() == 1
    [letter] = office.sent
    assert (letter.to, letter.link, letter.sender) == (ADA, LINK, ("Shop", "noreply@shop.example"))
    assert await office.mail.deliver() == 0


async def test_what_is_rolled_back_sends_nothing(office: Office) -> None:
    def flow() -> Any:
        yield from in_turn(office.mail.letter("verify-email", ADA, {"link": LINK}))
        raise RuntimeError("the flow ends here")

    with pytest.raises(RuntimeError):
        await office.control.write(flow())
    assert await office.mail.deliver() == 0
    assert await rows(office) == []


async def test_what_a_letter_says_is_sealed_while_it_waits_and_gone_when_it_is_sent(office: Office) -> None:
    await office.mail.send("verify-email", ADA, {"link": LINK})
    [(state, sealed, *_)] = await rows(office)
    assert state == "waiting"
    assert TOKEN not in sealed
    assert len(sealed) > 100
    await office.mail.deliver()
    assert [row[:3] for row in await rows(office)] == [("sent", None, None)]


async def test_a_sealed_letter_moved_to_another_reader_does_not_open(office: Office) -> None:
    await office.mail.send("verify-email", ADA, {"link": LINK})

    def steal() -> Any:
        yield office.control.step(letters.update().values(recipient="eve@evil.example"))

    await office.control.write(steal())
    await office.mail.deliver()
    assert office.sent == []
    assert [row[0] for row in await rows(office)] == ["dead"]


async def test_a_letter_sealed_under_another_key_is_given_up_in_words(processes: Town) -> None:
    await (await processes.open()).mail.send("verify-email", ADA, {"link": LINK})
    other = await processes.open(master=MasterKey(Secret("another master key for tests, long too")))
    await other.mail.deliver()
    [dead] = await other.mail.given_up()
    assert "another MAINSTAY_SECRET_KEY" in dead.reason


async def test_a_new_master_key_opens_what_waits_and_the_links_that_were_sent(processes: Town) -> None:
    before = await processes.open()
    await before.mail.send("verify-email", ADA, {"link": LINK})
    link = before.mail.unsubscribing.link("news", ADA)
    newer = MasterKey(Secret("a newer master key for tests, long too"), [MASTER])
    after = await processes.open(master=newer)
    assert await after.mail.deliver() == 1
    assert [letter.link for letter in after.sent] == [LINK]
    assert after.mail.unsubscribing.read(link.rpartition("/")[2]) == ("news", ADA)
    assert after.mail.unsubscribing.read(link.rpartition("/")[2][:-3] + "AAA") is None


async def test_a_letter_that_is_put_off_is_tried_again_after_longer_and_longer_pauses(
    moody: tuple[Office, Moody], clock: FakeClock
) -> None:
    office, engine = moody
    engine.mood = lambda message: PutOff("450 busy")
    clock.freeze()
    await office.mail.send("verify-email", ADA, {"link": LINK})
    pauses = []
    for number in range(1, 6):
        assert await office.mail.deliver() == 1
        [(state, _, reason, attempts, due)] = await rows(office)
        assert (state, reason, attempts) == ("waiting", "450 busy", number)
        pauses.append((due - clock.now()).total_seconds())
        assert await office.mail.deliver() == 0
        clock.advance(seconds=pauses[-1] + 0.001)
    whole = [15.0 * 2**number for number in range(5)]
    assert all(most / 2 <= pause <= most for pause, most in zip(pauses, whole, strict=True))
    engine.mood = lambda message: None
    await office.mail.deliver()
    assert [row[0] for row in await rows(office)] == ["sent"]
    assert len(set(engine.asked)) == 1


async def test_after_so_many_tries_a_letter_is_kept_as_given_up_with_the_reason(
    processes: Town, clock: FakeClock
) -> None:
    engine = Moody()
    office = await processes.open(engine, queue=QueueOptions(tries=3))
    engine.mood = lambda message: PutOff("450 busy")
    await office.mail.send("verify-email", ADA, {"link": LINK})
    for _ in range(5):
        await office.mail.deliver()
        clock.advance(hours=1)
    assert len(engine.asked) == 3
    [dead] = await office.mail.given_up()
    assert (dead.kind, dead.to, dead.tries) == ("verify-email", ADA, 3)
    assert "450 busy" in dead.reason
    assert [row[1] for row in await rows(office)] == [None]


async def test_a_refused_letter_is_given_up_at_once_and_no_word_of_it_is_kept(
    moody: tuple[Office, Moody], caplog: pytest.LogCaptureFixture
) -> None:
    office, engine = moody
    engine.mood = lambda message: Refused(f"554 spam: {LINK} and code 123456 and {TOKEN}\r\nX: y")
    await office.mail.send("verify-email", ADA, {"link": LINK, "code": "123456"})
    await office.mail.deliver()
    await office.mail.deliver()
    assert len(engine.asked) == 1
    [dead] = await office.mail.given_up()
    assert dead.reason == "554 spam: *** and code *** and *** X: y"
    assert "554 spam" in caplog.text
    for secret in (TOKEN, "123456", ADA):
        assert secret not in caplog.text


async def test_while_the_server_is_away_letters_wait_and_none_is_blamed(
    moody: tuple[Office, Moody], clock: FakeClock
) -> None:
    office, engine = moody
    engine.mood = lambda message: Away("no answer")
    for number in range(6):
        await office.mail.send("verify-email", f"reader{number}@example.com", {"link": LINK})
    for _ in range(40):
        # One round, and then it is left in peace.
        assert await office.mail.deliver() <= 4
        clock.advance(minutes=5)
    assert [(row[0], row[3]) for row in await rows(office)] == [("waiting", 0)] * 6
    engine.mood = lambda message: None
    await office.mail.deliver()
    assert len(engine.messages) == 6


async def test_a_letter_that_waited_for_a_day_is_given_up_but_tried_once_more(
    moody: tuple[Office, Moody], clock: FakeClock
) -> None:
    office, engine = moody
    engine.mood = lambda message: Away("no answer")
    await office.mail.send("verify-email", ADA, {"link": LINK})
    clock.advance(hours=25)
    await office.mail.deliver()
    assert len(engine.asked) == 1
    [dead] = await office.mail.given_up()
    assert dead.reason.startswith("no answer")


async def test_a_letter_under_way_belongs_to_who_took_it_until_the_lease_ends(
    processes: Town, clock: FakeClock
) -> None:
    slow, going = Moody(), asyncio.Event()
    entered = asyncio.Event()

    async def wait(message: Message) -> None:
        entered.set()
        await going.wait()

    slow.before = wait
    first, second = await processes.open(slow), await processes.open()
    await first.mail.send("verify-email", ADA, {"link": LINK})
    sending = asyncio.create_task(first.mail.deliver())
    await entered.wait()
    assert await second.mail.deliver() == 0
    clock.advance(seconds=301)
    # Whoever holds it is taken for dead: at least once.
    assert await second.mail.deliver() == 1
    going.set()
    assert await sending == 1
    assert first.sent[0].message_id == second.sent[0].message_id
    assert [row[0] for row in await rows(first)] == ["sent"]


async def test_several_processes_at_one_queue_send_each_letter_once(processes: Town) -> None:
    first, second, third = [await processes.open(Moody()) for _ in range(3)]
    for number in range(40):
        await first.mail.send("verify-email", f"reader{number}@example.com", {"link": LINK})
    await asyncio.gather(*(each.mail.deliver() for each in (first, second, third)))
    readers = [message.to for each in (first, second, third) for message in each.sent]
    assert sorted(readers) == sorted(f"reader{number}@example.com" for number in range(40))


async def test_what_was_sent_while_the_database_was_lost_is_noted_and_not_sent_again(
    moody: tuple[Office, Moody], clock: FakeClock
) -> None:
    office, engine = moody

    async def lose(message: Message) -> None:
        await office.database.administer(lambda connection: connection.execute(text(f"ALTER TABLE {NAME} RENAME TO x")))

    engine.before = lose
    await office.mail.send("verify-email", ADA, {"link": LINK})
    with pytest.raises(Exception, match=NAME):
        await office.mail.deliver()
    await office.database.administer(lambda connection: connection.execute(text(f"ALTER TABLE x RENAME TO {NAME}")))
    engine.before = None
    clock.advance(hours=1)
    assert await office.mail.deliver() == 0
    assert len(engine.messages) == 1
    assert [row[0] for row in await rows(office)] == ["sent"]


async def test_a_letter_that_is_begun_again_and_again_and_never_ends_is_given_up(
    processes: Town, clock: FakeClock
) -> None:
    engine = Moody()
    office = await processes.open(engine, queue=QueueOptions(tries=2))
    engine.mood = lambda message: RuntimeError("a fault of our own")
    await office.mail.send("verify-email", ADA, {"link": LINK})
    for _ in range(2):
        with pytest.raises(RuntimeError):
            await office.mail.deliver()
        clock.advance(minutes=6)
    await office.mail.deliver()
    assert len(engine.asked) == 2
    assert [row[0] for row in await rows(office)] == ["dead"]


async def test_the_process_that_wrote_a_letter_sends_it_at_once_without_waiting_for_a_poll(processes: Town) -> None:
    engine = Moody()
    office = await processes.open(engine, serving=True, queue=QueueOptions(poll=3600.0))
    await asyncio.sleep(0.05)  # it has looked, and found nothing
    arrived = asyncio.Event()

    async def note(message: Message) -> None:
        arrived.set()

    engine.before = note

    def flow() -> Any:
        yield from in_turn(office.mail.letter("verify-email", ADA, {"link": LINK}))

    await office.control.write(flow())
    async with asyncio.timeout(30):
        await arrived.wait()


async def test_another_process_hears_of_a_letter_by_looking(processes: Town) -> None:
    engine, arrived = Moody(), asyncio.Event()

    async def note(message: Message) -> None:
        arrived.set()

    engine.before = note
    await processes.open(engine, serving=True, queue=QueueOptions(poll=0.05))
    writer = await processes.open()
    await writer.mail.send("verify-email", ADA, {"link": LINK})
    async with asyncio.timeout(30):
        await arrived.wait()


async def test_a_command_sends_its_letters_before_it_ends(processes: Town) -> None:
    office = await processes.open()
    await office.mail.send("verify-email", ADA, {"link": LINK})
    await office.mail.close()
    assert len(office.sent) == 1


async def test_a_full_queue_takes_no_letter_and_no_flow_answers_otherwise_for_it(
    processes: Town, caplog: pytest.LogCaptureFixture
) -> None:
    office = await processes.open(queue=QueueOptions(most=3))
    for number in range(3):
        await office.mail.send("verify-email", f"reader{number}@example.com", {"link": LINK})
    with pytest.raises(QueueFull):
        await office.mail.send("verify-email", ADA, {"link": LINK})

    def flow() -> Any:
        yield from in_turn(office.mail.letter("verify-email", ADA, {"link": LINK}))

    await office.control.write(flow())
    await office.control.write(flow())
    assert (await office.mail.waiting())[0] == 3
    assert office.mail.counts.dropped == 3
    [line] = [record.getMessage() for record in caplog.records if "queue of letters is full" in record.getMessage()]
    assert "3 wait" in line  # one line a minute, however many are dropped
    assert ADA not in line
    await office.mail.deliver()
    await office.mail.send("verify-email", ADA, {"link": LINK})


async def test_a_newsletter_leaves_room_for_letters_and_lets_them_go_first(processes: Town) -> None:
    office = await processes.open(queue=QueueOptions(most=4, at_once=1))
    news = {"title": "News", "text": "One"}
    for number in range(2):
        await office.mail.send("newsletter", f"reader{number}@example.com", news, list="news")
    with pytest.raises(QueueFull):
        await office.mail.send("newsletter", ADA, news, list="news")
    await office.mail.send("sign-in-code", ADA, {"code": "123456"})
    await office.mail.deliver()
    assert [message.kind for message in office.sent] == ["sign-in-code", "newsletter", "newsletter"]


async def test_what_is_told_once_is_written_once_whoever_tells_it(processes: Town) -> None:
    first, second = await processes.open(), await processes.open()
    values = {"file": "report.pdf"}
    told = await asyncio.gather(
        *(each.mail.send("file-processed", ADA, values, once="file/17") for each in (first, second, first))
    )
    assert sorted(told) == [False, False, True]
    assert await first.mail.deliver() == 1
    assert not await second.mail.send("file-processed", ADA, values, once="file/17")


async def test_letters_that_ended_long_ago_are_forgotten(moody: tuple[Office, Moody], clock: FakeClock) -> None:
    office, engine = moody
    await office.mail.send("verify-email", ADA, {"link": LINK})
    await office.mail.deliver()
    engine.mood = lambda message: Refused("550 no")
    await office.mail.send("verify-email", ADA, {"link": LINK})
    await office.mail.deliver()
    clock.advance(days=8)
    await office.mail._delivery.clean()
    assert [row[0] for row in await rows(office)] == ["dead"]
    clock.advance(days=23)
    await office.mail._delivery.clean()
    assert await rows(office) == []


async def test_what_cannot_be_written_is_told_where_it_is_asked_for(office: Office) -> None:
    with pytest.raises(UnknownTemplate, match="no-such"):
        await office.mail.send("no-such", ADA)
    for kind in ("../../etc/passwd", "letter.html", "", "Welcome"):
        with pytest.raises(UnknownTemplate):
            await office.mail.send(kind, ADA)
    for address in (
        "",
        "ada",
        "ada@example.com, eve@evil.example",
        "ada@example.com\nBcc: eve@evil.example",
        "a b@c.de",
    ):
        with pytest.raises(Invalid):
            await office.mail.send("welcome", address)
    with pytest.raises(ConfigurationError, match="mailing list"):
        await office.mail.send("newsletter", ADA, list="no list\n")
    assert await rows(office) == []


async def test_in_development_a_letter_that_lacks_something_is_told_at_once_and_else_given_up(processes: Town) -> None:
    strict, lax = await processes.open(strict=True), await processes.open()
    with pytest.raises(ConfigurationError, match="'link' is undefined"):
        await strict.mail.send("reset-password", ADA)
    await lax.mail.send("reset-password", ADA)
    await lax.mail.deliver()
    [dead] = await lax.mail.given_up()
    assert "'link' is undefined" in dead.reason


async def test_the_first_try_is_made_on_the_day_of_the_letter(office: Office, clock: FakeClock) -> None:
    clock.freeze()
    await office.mail.send("welcome", ADA)
    await office.mail.deliver()
    assert abs(office.sent[0].date - clock.now()) < timedelta(milliseconds=1)
