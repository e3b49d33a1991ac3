"""Sign in by a letter: by its link or its code, and only where the letter was asked for.

Whoever asks gets a secret of their own. The link or the code opens a session together with that secret alone, so that a
link that was forwarded, leaked or fetched by a mail scanner opens nothing, and nobody can be lured into the session
of somebody else. A code may be tried five times.
"""

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, true, update

from mainstay.identity.accounts.by_mail.letter_token import Purpose, add_request, digest, link, new_token
from mainstay.identity.accounts.by_mail.other_ways_in import drop_others
from mainstay.identity.accounts.by_mail.steady import steady
from mainstay.identity.accounts.by_mail.write_letter import write_letter
from mainstay.identity.accounts.find_user import BY_EMAIL
from mainstay.identity.accounts.tables import account_tokens
from mainstay.identity.accounts.user import User
from mainstay.identity.credentials.change_password import drop_password
from mainstay.identity.email_address import normalise
from mainstay.identity.errors import LetterRefused
from mainstay.identity.events import Fact
from mainstay.identity.room import Room
from mainstay.identity.sessions.end_session import END_ALL
from mainstay.identity.sessions.prove_password import arrived, still_there
from mainstay.identity.sessions.session import Tokens
from mainstay.identity.sessions.start_session import start_session
from mainstay.identity.tables import users as t
from mainstay.identity.tokens.refresh_token import Kind
from mainstay.storage.control import in_turn

METHOD = "mail"
DIGITS = 6
_open = (
    account_tokens.c.digest == bindparam("digest_"),
    account_tokens.c.kind == str(Purpose.sign_in),
    account_tokens.c.spent_at.is_(None),
    account_tokens.c.expires_at > bindparam("now"),
)
# Counted before it is looked at, so that attempts that come at once are all counted.
TRY = (
    update(account_tokens)
    .where(*_open, account_tokens.c.attempts < bindparam("most"))
    .values(attempts=account_tokens.c.attempts + 1)
    .returning(account_tokens.c.user_id, account_tokens.c.email, account_tokens.c.asked, account_tokens.c.code)
)
SPEND = update(account_tokens).where(*_open).values(spent_at=bindparam("now")).returning(account_tokens.c.digest)
STILL_THEIRS = (
    update(t)
    .where(t.c.id == bindparam("user"), t.c.email == bindparam("address"), t.c.active == true())
    .values(updated_at=t.c.updated_at)
    .returning(t.c.email_verified_at)
)
VERIFY = update(t).where(t.c.id == bindparam("user")).values(email_verified_at=bindparam("now"))


async def ask_for_letter(room: Room, email: str, client_address: str | None, *, code_only: bool = False) -> str:
    """The requester's secret, with which the letter's link or code is good. Without an account nothing is sent, and
    the answer is the same. `code_only` leaves the link out, for where the letter is read on another device.

    Raises TooManyRequests, also for an address without an account.
    """
    address, request = normalise(email), new_token()
    await room.throttle.admit("letter", address, client_address)
    async with steady(room):
        await room.control.write(_ask(room, address, request, code_only))
    return request


async def sign_in_by_mail(
    room: Room,
    request: str,
    proof: str,
    *,
    scopes: Iterable[str] | None = None,
    tenant: str | None = None,
    user_agent: str | None = None,
    client_address: str | None = None,
    remember: bool = True,
    kind: Kind = "bearer",
) -> Tokens:
    """Tokens of a new session, for the requester's secret and the letter's token or code.

    Raises LetterRefused for what does not hold, was tried too often, or is too old; NotFound, Forbidden, ScopeRefused.
    """
    user_id = await room.control.write(_prove(room, request, proof))
    if user_id is None:
        await room.journal.tell(Fact("session.refused", details={"by": "letter"}))
        raise LetterRefused
    room.revocations.applied(user_id)
    return await start_session(
        room,
        user_id,
        methods=(METHOD,),
        tenant=tenant,
        scopes=scopes,
        user_agent=user_agent,
        address=client_address,
        remember=remember,
        kind=kind,
        extra_steps=arrived(room, user_id, None, client_address),
        guards=(still_there(room, user_id),),
    )


def _ask(room: Room, email: str, request: str, code_only: bool) -> Any:
    found = room.control.read(BY_EMAIL, (yield room.control.step(BY_EMAIL, email=email)))
    user = User(*found[0]) if found else None
    sent = user is not None and user.active
    token, code = new_token(), "".join(secrets.choice("0123456789") for _ in range(DIGITS))
    yield add_request(
        room,
        request,
        user_id=user.id if user is not None and sent else None,
        email=email,
        code=_keyed(room, request, code),
        token=token,
    )
    if user is None or not sent:
        return
    values: dict[str, Any] = {"code": code, "minutes": room.options.accounts.code_minutes, "name": user.display_name}
    if not code_only:
        values |= {"link": link(room, "magic-link", token), "token": token}
    letter = "sign-in-code" if code_only else "magic-link"
    yield from in_turn(write_letter(room, letter, email, values, user.language))


def _prove(room: Room, request: str, proof: str) -> Any:
    # Answers None instead of raising: the attempt has to be committed.
    now, presented, most = room.now(), digest(request), room.options.accounts.code_attempts
    rows = yield room.control.step(TRY, digest_=presented, now=now, most=most)
    if not rows:
        return None
    user_id, email, asked, code = room.control.read(TRY, rows)[0]
    by_code = hmac.compare_digest(code, _keyed(room, request, "".join(proof.split())))
    by_link = hmac.compare_digest(asked["token"], digest(proof))
    if user_id is None or not (by_code or by_link):
        return None
    if not (yield room.control.step(SPEND, digest_=presented, now=now)):
        return None
    theirs = room.control.read(STILL_THEIRS, (yield room.control.step(STILL_THEIRS, user=user_id, address=email)))
    if not theirs:
        return None
    if theirs[0][0] is None:
        yield from _take_over(room, user_id)
    return user_id


def _take_over(room: Room, user_id: UUID) -> Any:
    # Whoever signed up did not read the letters sent here; whoever reads them is here now. What the former knows or
    # holds must not open the account of the latter.
    now = room.now()
    yield room.control.step(VERIFY, user=user_id, now=now)
    yield drop_password(room.control, user_id)
    yield from in_turn(drop_others(room, user_id))
    yield room.control.step(END_ALL, user=user_id, now=now, reason="email_verified")
    yield from in_turn(room.revocations.steps(user_id))
    yield from in_turn(room.journal.steps(Fact("email.verified", user_id, details={"by": "letter"})))


def _keyed(room: Room, request: str, code: str) -> str:
    # Six digits are found at once in a table of plain digests.
    told = f"{request}\0{code}".encode("utf-8", "replace")
    return hmac.digest(room.codes, told, hashlib.sha256).hex()
