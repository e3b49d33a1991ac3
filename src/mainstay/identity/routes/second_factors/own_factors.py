"""One's own second factors."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request, Security

from mainstay.identity.bodies import factors as bodies
from mainstay.identity.dependencies import CurrentUser, current_user
from mainstay.identity.identity import Identity
from mainstay.identity.problems import refusals
from mainstay.identity.routes.administration.administering import administrator
from mainstay.identity.routes.caller import OwnSession

SEEING = refusals(400, 401, 403, 404, 503)
BEGINNING = refusals(400, 401, 403, 404, 409, 503)
SENDING = refusals(400, 401, 403, 404, 409, 413, 415, 422, 429, 503)
REMOVING = refusals(400, 401, 403, 404, 409, 422, 503)

Resets = Annotated[CurrentUser, Security(current_user, scopes=["user:write"])]


def add_factors(router: APIRouter, identity: Identity) -> None:
    factors = identity.factors

    @router.get("/factors", operation_id="auth_factors", responses=SEEING)
    async def show(user: OwnSession) -> bodies.FactorsAnswer:
        """What your account has beside its password, and what you may add."""
        found = await factors.list(user.id)
        return bodies.FactorsAnswer(
            app_since=found.app_since,
            passkeys=[bodies.PasskeyAnswer.model_validate(each, from_attributes=True) for each in found.passkeys],
            recovery_codes_left=found.codes_left,
            offered=[
                *(["totp"] if factors.offers_apps else []),
                *(["passkey"] if factors.offers_passkeys else []),
            ],
        )

    @router.post("/factors/recovery-codes", operation_id="auth_factors_recovery_codes", responses=BEGINNING)
    async def renew(user: OwnSession) -> bodies.CodesAnswer:
        """New recovery codes: each is good once, in place of a factor that you have lost. The ones before are void."""
        return bodies.CodesAnswer(recovery_codes=await factors.renew_codes(user.id, user.session_id))

    @router.delete("/factors/totp", operation_id="auth_factors_totp_remove", status_code=204, responses=SEEING)
    async def remove_app(user: OwnSession) -> None:
        """Remove the authenticator app. You have to have shown a second factor lately."""
        await factors.remove_app(user.id, user.session_id)

    if factors.offers_apps:
        _add_app(router, identity)
    _add_passkeys(router, identity)
    _add_reset(router, identity)


def _add_app(router: APIRouter, identity: Identity) -> None:
    factors = identity.factors

    @router.post("/factors/totp", operation_id="auth_factors_totp", responses=BEGINNING)
    async def begin(user: OwnSession) -> bodies.AppAnswer:
        """Begin to add an authenticator app: have it scan the picture, then send a code of it to `confirm`."""
        made = await factors.begin_app(user.id, user.session_id)
        return bodies.AppAnswer(secret=made.secret, uri=made.uri, svg=made.svg, png=made.png)

    @router.post("/factors/totp/confirm", operation_id="auth_factors_totp_confirm", responses=SENDING)
    async def confirm(body: bodies.ByCode, user: OwnSession, request: Request) -> bodies.AddedAnswer:
        """Show that the app is yours. From now on your password alone opens no session."""
        address = identity.address_of(request.scope)
        return bodies.AddedAnswer(
            recovery_codes=await factors.confirm_app(user.id, user.session_id, body.code, address)
        )


def _add_passkeys(router: APIRouter, identity: Identity) -> None:
    factors = identity.factors
    if factors.offers_passkeys:

        @router.post("/factors/passkeys/options", operation_id="auth_factors_passkeys_options", responses=BEGINNING)
        async def begin(user: OwnSession) -> bodies.ChallengeAnswer:
            """Begin to add a passkey: give the options to `navigator.credentials.create`."""
            ticket, options = await factors.begin_passkey(user.id, user.session_id)
            return bodies.ChallengeAnswer(ticket=ticket, options=options)

        @router.post("/factors/passkeys", operation_id="auth_factors_passkeys", status_code=201, responses=SENDING)
        async def add(body: bodies.NewPasskey, user: OwnSession) -> bodies.AddedAnswer:
            """Add the passkey that was made. It is a second factor, and opens a session by itself too."""
            identifier, codes = await factors.add_passkey(
                user.id, user.session_id, body.ticket, body.name, body.credential.plain()
            )
            return bodies.AddedAnswer(id=identifier, recovery_codes=codes)

    @router.patch(
        "/factors/passkeys/{id:uuid}",
        operation_id="auth_factors_passkeys_rename",
        status_code=204,
        responses=refusals(400, 401, 403, 404, 413, 415, 422, 503),
    )
    async def rename(id: UUID, body: bodies.OtherName, user: OwnSession) -> None:
        """Call a passkey something else."""
        await factors.rename_passkey(user.id, id, body.name)

    @router.delete(
        "/factors/passkeys/{id:uuid}", operation_id="auth_factors_passkeys_remove", status_code=204, responses=REMOVING
    )
    async def remove(id: UUID, user: OwnSession) -> None:
        """Remove a passkey, unless it is the only way into your account. You have to have shown a factor lately."""
        await factors.remove_passkey(user.id, user.session_id, id)


def _add_reset(router: APIRouter, identity: Identity) -> None:
    @router.delete("/users/{user_id}/factors", operation_id="auth_users_reset_factors", responses=REMOVING)
    async def reset(user_id: UUID, user: Resets) -> bodies.ResetAnswer:
        """Take every second factor from somebody who has lost them. Their sessions end, and a letter tells them."""
        await identity.factors.require_fresh(user.id, user.session_id)
        return bodies.ResetAnswer(reset=await identity.factors.reset(administrator(user), user_id))
