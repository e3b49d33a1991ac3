"""Letters: whether the mail server answers and lets us in, and whether any wait or were given up."""

from mainstay.assembly import Rooms
from mainstay.base.errors import MainstayError
from mainstay.cli.diagnosis.finding import Finding, fail, ok, warn
from mainstay.mail import Nowhere

SET = "MAINSTAY_MAIL__URL=smtp://user:password@host:587"


async def look_at_mail(rooms: Rooms) -> list[Finding]:
    """Connect, sign in, leave again. No letter is sent."""
    mail = rooms.mail
    if isinstance(mail.engine, Nowhere):
        return [warn("mail", "no mail server is named, so letters wait and are given up after a day", SET)]
    try:
        found = ok("mail", await mail.engine.check())
    except MainstayError as error:
        return [
            fail("mail", f"letters cannot be sent through {mail.engine.name}: {error}", "Look at MAINSTAY_MAIL__URL.")
        ]
    finally:
        await mail.engine.close()
    url = rooms.settings.mail.url
    if url is not None and "starttls=off" in url.get_secret_value():
        return [found, warn("mail", "letters travel in clear to the mail server", "Leave ?starttls=off out.")]
    return [found]
