"""Whether what was shown is a second factor of this user: a code, a recovery code, or a passkey's answer."""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import and_, bindparam, or_, select, update

from mainstay.identity.authenticators import recovery_codes
from mainstay.identity.authenticators.engine import engine
from mainstay.identity.authenticators.errors import FactorRefused, PasskeyRefused, wrong_code
from mainstay.identity.authenticators.tables import passkeys, totp
from mainstay.identity.events import Fact
from mainstay.identity.factors.desk import APP, Desk
from mainstay.identity.factors.tell import tell
from mainstay.identity.ports import Step

_count: Any = bindparam("count_")
# Of two that show one code at once one gets a row.
USE_STEP = (
    update(totp)
    .where(totp.c.user_id == bindparam("user"), totp.c.confirmed_at.is_not(None), totp.c.last_step < bindparam("step"))
    .values(last_step=bindparam("step"))
    .returning(totp.c.user_id)
)
PASSKEY = select(
    passkeys.c.id, passkeys.c.user_id, passkeys.c.public_key, passkeys.c.sign_count, passkeys.c.name
).where(passkeys.c.credential_id == bindparam("credential"))
# WebAuthn §7.2: the count grows, or is 0 for ever; whoever is late with an old one is refused.
USE_PASSKEY = (
    update(passkeys)
    .where(
        passkeys.c.id == bindparam("passkey"),
        or_(passkeys.c.sign_count < _count, and_(passkeys.c.sign_count == 0, _count == 0)),
    )
    .values(sign_count=_count, last_used_at=bindparam("now"))
    .returning(passkeys.c.id)
)


@dataclass(frozen=True, slots=True)
class Shown:
    """What somebody sends as their second factor: one of the three."""

    code: str | None = None
    recovery_code: str | None = None
    passkey: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Proof:
    """Whose it is, and by what (RFC 8176). `guards` use it up: they answer a row each, or it was used meanwhile."""

    user_id: UUID
    methods: tuple[str, ...]
    guards: Sequence[Step]
    steps: Sequence[Step] = ()


async def prove_factor(
    desk: Desk,
    user_id: UUID,
    shown: Shown,
    challenge: str | None,
    client_address: str | None,
    *,
    device: str | None = None,
    own: bool = False,
) -> Proof:
    """Raises FactorRefused or PasskeyRefused, noted; TooManyRequests, wherever the attempts come from. `device` and
    `own` as of `Throttle.admit`."""
    room = desk.room
    counted = await room.throttle.admit("proof", f"factor:{user_id}", client_address, device=device, own=own)
    try:
        proof = await _prove(desk, user_id, shown, challenge)
    except (FactorRefused, PasskeyRefused) as refused:
        await room.journal.tell(Fact("factor.refused", user_id, details={"code": refused.problem_code}))
        raise
    return Proof(user_id, proof.methods, proof.guards, (*proof.steps, *room.throttle.right(counted)))


async def _prove(desk: Desk, user_id: UUID, shown: Shown, challenge: str | None) -> Proof:
    if shown.code is not None:
        return await _by_app(desk, user_id, shown.code)
    if shown.recovery_code is not None:
        return await _by_recovery_code(desk, user_id, shown.recovery_code)
    if shown.passkey is None or challenge is None:
        raise PasskeyRefused("no challenge waits for an answer")
    return await prove_passkey(desk, user_id, shown.passkey, challenge, verified=_demanded(desk))


async def _by_app(desk: Desk, user_id: UUID, code: str) -> Proof:
    rows = await desk.room.control.fetch(APP, user=user_id)
    if not rows or rows[0][3] is None:
        raise wrong_code("code")
    sealed, last_step = rows[0][:2]
    step = step_now(desk, user_id, sealed, code, last_step)
    if step is None:
        raise wrong_code("code")
    return Proof(user_id, ("otp",), (desk.room.control.step(USE_STEP, user=user_id, step=step),))


def step_now(desk: Desk, user_id: UUID, sealed: str, code: str, after: int) -> int | None:
    """The step of this code now, if it is one of this secret and newer than `after`."""
    secret = desk.open(user_id, sealed)
    if secret is None:
        return None
    found: int | None = engine("totp").step_of(secret, "".join(code.split()), desk.room.now().timestamp(), after)
    return found


async def _by_recovery_code(desk: Desk, user_id: UUID, code: str) -> Proof:
    room, digest = desk.room, recovery_codes.digest(user_id, code)
    left = [row[0] for row in await room.control.fetch(recovery_codes.LEFT, user=user_id)]
    if not sum(hmac.compare_digest(each, digest) for each in left):
        raise wrong_code("recovery_code")
    user = await desk.user(user_id)
    steps = tell(room, "recovery-code-used", "recovery_code.used", user, "a recovery code", left=len(left) - 1)
    # RFC 8176 has no name for it; it is a one-time password of a list.
    return Proof(user_id, ("otp", "recovery"), (recovery_codes.use_code(room, user_id, digest),), tuple(steps))


async def prove_passkey(
    desk: Desk, user_id: UUID | None, credential: Mapping[str, Any], challenge: str, *, verified: bool
) -> Proof:
    """Without a `user_id` the passkey says who it is, and then it must have asked them for a PIN or a finger.

    Raises PasskeyRefused.
    """
    passkey_engine = engine("passkeys")
    rows = await desk.room.control.fetch(PASSKEY, credential=str(credential.get("id", "")))
    if not rows:
        raise PasskeyRefused("nobody registered it here")
    identifier, owner, public_key, count, name = rows[0]
    handle = passkey_engine.handle_of(credential)
    if user_id not in (None, owner) or handle not in (None, owner.bytes) or (user_id is None and handle is None):
        raise PasskeyRefused("it is somebody else's")
    asserted = passkey_engine.verify_assertion(
        desk.options, challenge_bytes(challenge), credential, public_key, verified=verified
    )
    if (asserted.sign_count or count) and asserted.sign_count <= count:
        # Its signature holds, so there are two of them, or its memory was set back.
        await desk.room.journal.tell(Fact("passkey.cloned", owner, details={"passkey": str(identifier), "name": name}))
        raise PasskeyRefused("its count went back, as that of a copy does")
    used = {"passkey": identifier, "count_": asserted.sign_count, "now": desk.room.now()}
    # RFC 8176: a key in hardware, or one that is copied between devices; `user`: they were asked for.
    methods = ("swk" if asserted.synced else "hwk", *(("user",) if asserted.verified else ()))
    return Proof(owner, methods, (desk.room.control.step(USE_PASSKEY, **used),))


def challenge_bytes(challenge: str) -> bytes:
    """Challenges are kept as hexadecimal."""
    return bytes.fromhex(challenge)


def _demanded(desk: Desk) -> bool:
    return desk.options.verification == "required"
