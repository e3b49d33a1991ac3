"""Finish: what came back is of this browser and this provider, is used once, and says who it is."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, delete, insert, select

from mainstay.base.errors import Rejected
from mainstay.identity.authenticators.errors import SecondFactorRequired
from mainstay.identity.events import Fact
from mainstay.identity.federation.desk import Desk
from mainstay.identity.federation.errors import PendingRefused, ProofRefused, ProviderRefused
from mainstay.identity.federation.exchange_code import new_code
from mainstay.identity.federation.link_identity import link_identity, touch
from mainstay.identity.federation.make_account import make_account
from mainstay.identity.federation.options import Provider
from mainstay.identity.federation.pending import Pending, digest
from mainstay.identity.federation.tables import identities, spent
from mainstay.identity.federation.upstream.client_proof import ask_for_tokens
from mainstay.identity.federation.upstream.id_token import verify_id_token
from mainstay.identity.federation.upstream.issuers import TENANT, Metadata
from mainstay.identity.federation.upstream.person import Person, who_is
from mainstay.identity.sessions.prove_password import arrived, still_there
from mainstay.identity.sessions.session import Tokens
from mainstay.identity.sessions.start_session import start_session
from mainstay.storage import errors

METHODS = ("federated",)
SPEND = insert(spent).values(digest=bindparam("digest"), expires_at=bindparam("expires_at"))
SWEEP = delete(spent).where(spent.c.expires_at < bindparam("now"))
FIND = select(identities.c.id, identities.c.user_id).where(
    identities.c.issuer == bindparam("issuer"), identities.c.subject == bindparam("subject")
)


@dataclass(frozen=True, slots=True)
class CameBack:
    """The parameters of the callback (RFC 6749 §4.1.2, RFC 9207 §2)."""

    code: str | None = None
    iss: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who is at the browser, for the session."""

    address: str | None = None
    user_agent: str | None = None


@dataclass(frozen=True, slots=True)
class Finished:
    """A session for cookies, or a code for the front end, or neither where an identity was linked."""

    tokens: Tokens | None = None
    code: str | None = None


async def finish_sign_in(desk: Desk, pending: Pending, back: CameBack, visitor: Visitor) -> Finished:
    """Sign in, or link. Raises the refusals of `errors`, all of them Rejected, and tells the journal of them."""
    provider = desk.provider(pending.provider)
    try:
        await _spend(desk, pending)
        person, tokens = await _proof(desk, provider, pending, back)
        if pending.user_id is not None:
            await link_identity(desk, provider, pending, person, tokens)
            return Finished()
        return await _enter(desk, provider, pending, person, tokens, visitor)
    except SecondFactorRequired:
        # The provider's proof held.
        raise
    except Rejected as refused:
        details = {"provider": provider.name, "code": refused.problem_code}
        await desk.room.journal.tell(Fact("federation.refused", pending.linking, details=details))
        raise


async def _spend(desk: Desk, pending: Pending) -> None:
    def script() -> Any:
        yield desk.room.control.step(SWEEP, now=desk.room.now())
        expires = datetime.fromtimestamp(pending.expires, UTC)
        yield desk.room.control.step(SPEND, digest=digest(pending.state), expires_at=expires)

    try:
        await desk.room.control.write(script())
    except errors.UniqueClash:
        raise PendingRefused from None


async def _proof(desk: Desk, provider: Provider, pending: Pending, back: CameBack) -> tuple[Person, dict[str, Any]]:
    metadata = await desk.issuers.metadata(provider)
    _of_this_issuer(provider, metadata, back.iss)
    if back.error is not None or not back.code:
        raise ProviderRefused("The provider let nobody in.")
    now = desk.room.now()
    form = {
        "grant_type": "authorization_code",
        "code": back.code,
        "redirect_uri": pending.redirect_uri,
        "code_verifier": pending.verifier,
    }
    tokens = await ask_for_tokens(desk.room.fetch, provider, metadata.token_url, form, now)
    if tokens is None:
        raise ProofRefused("the provider does not know the code, or not as ours")
    access_token, claims = str(tokens["access_token"]), None
    if provider.kind == "oidc":
        claims = await verify_id_token(
            desk.issuers,
            provider,
            tokens.get("id_token"),
            nonce=pending.nonce,
            now=now,
            access_token=access_token,
            code=back.code,
        )
    return await who_is(desk.issuers, provider, metadata, claims, access_token), tokens


def _of_this_issuer(provider: Provider, metadata: Metadata, iss: str | None) -> None:
    """RFC 9207 §2.4: an answer of another issuer, sent here, would have us show its code to this one."""
    if iss is None and not metadata.says_iss:
        return
    # Which tenant it was is known only from the id_token; that it is Entra is known here.
    templated = provider.templated and TENANT in metadata.issuer
    before, _, after = metadata.issuer.partition(TENANT)
    fits = iss is not None and iss.startswith(before) and iss.endswith(after) if templated else iss == metadata.issuer
    if not fits:
        raise ProofRefused("the answer came from another issuer")


async def _enter(
    desk: Desk, provider: Provider, pending: Pending, person: Person, tokens: dict[str, Any], visitor: Visitor
) -> Finished:
    room = desk.room
    user_id = await _known(desk, person)
    if user_id is None:
        user_id = await make_account(desk, provider, person, tokens)
    else:
        await touch(desk, provider, person, tokens)
    if pending.challenge is not None:
        return Finished(code=await new_code(desk, user_id, pending.challenge))
    started = await start_session(
        room,
        user_id,
        methods=METHODS,
        tenant=pending.tenant,
        user_agent=visitor.user_agent,
        address=visitor.address,
        remember=pending.remember,
        kind="cookie",
        extra_steps=arrived(room, user_id, None, visitor.address),
        guards=(still_there(room, user_id),),
    )
    return Finished(tokens=started)


async def _known(desk: Desk, person: Person) -> UUID | None:
    rows = await desk.room.control.fetch(FIND, issuer=person.issuer, subject=person.subject)
    return rows[0][1] if rows else None
