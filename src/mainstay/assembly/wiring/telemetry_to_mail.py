"""Telemetry meets the mail room: what became of letters, and how many wait."""

from datetime import UTC, datetime

from mainstay.mail import Mail
from mainstay.storage import Database
from mainstay.telemetry import Telemetry


def count_letters(telemetry: Telemetry, mail: Mail, database: Database) -> None:
    """Tell of what this process did, and of the queue that all share, whenever figures are asked for."""
    letters = telemetry.metrics.counter(
        "mainstay_letters_total",
        "Letters by what became of them: queued, sent, put_off (the server said later), away (the server did not "
        "answer), dead (given up), dropped (the queue was full).",
        ["outcome"],
    )
    waiting = telemetry.metrics.gauge("mainstay_letters_waiting", "Letters that wait to be sent.", how="here")
    oldest = telemetry.metrics.gauge(
        "mainstay_letters_oldest_seconds", "How long the oldest of them has waited.", how="here"
    )

    def look() -> None:
        counts = mail.counts
        letters.reach(counts.queued, "queued")
        letters.reach(counts.sent, "sent")
        letters.reach(counts.put_off, "put_off")
        letters.reach(counts.away, "away")
        letters.reach(counts.dead, "dead")
        letters.reach(counts.dropped, "dropped")

    async def ask() -> None:
        waiting.forget()
        oldest.forget()
        if not database.is_open:
            return
        count, since = await mail.waiting()
        waiting.set(count)
        oldest.set(0.0 if since is None else max(0.0, (datetime.now(UTC) - since).total_seconds()))

    telemetry.metrics.look(look)
    telemetry.look(ask)
