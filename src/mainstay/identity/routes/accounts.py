"""Signing up, the profile, the password, the address, deletion."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request

from mainstay.base.errors import Forbidden
from mainstay.identity.accounts.user import User as Account
from mainstay.identity.bodies import accounts as bodies
from mainstay.identity.bodies.profile import with_profile
from mainstay.identity.dependencies import SessionUser
from mainstay.identity.identity import Identity
from mainstay.identity.problems import refusals
from mainstay.identity.routes.caller import OwnSession


async def _own_profile(user: OwnSession) -> SessionUser:
    if "profile:write" not in user.scopes:
        raise Forbidden.missing_scopes("profile:write")
    return user


Owner = Annotated[SessionUser, Depends(_own_profile)]


def add_accounts(router: APIRouter, identity: Identity, sign_up: bool) -> None:
    if sign_up:
        add_sign_up(router, identity)
    add_profile(router, identity)
    add_password(router, identity)
    add_address(router, identity)

    @router.post("/me/delete", status_code=202, responses=refusals(400, 401, 403, 404, 409, 413, 415, 422, 429, 503))
    async def delete_account(body: bodies.Deletion, user: Owner, request: Request) -> bodies.DeletionAnswer:
        """Delete your account: every session ends now, everything is erased after the grace. Sign in to keep it."""
        await identity.factors.require_fresh(user.id, user.session_id)
        at = await identity.accounts.delete(user.id, body.password, identity.address_of(request.scope))
        return bodies.DeletionAnswer(deletion_at=at)


def add_sign_up(router: APIRouter, identity: Identity) -> None:
    async def create_account(body: bodies.SignUp, request: Request) -> bodies.LetterAnswer:
        """Ask for an account. A letter goes to the address; the answer does not tell whether it has one already."""
        await identity.accounts.sign_up(
            body.email,
            body.password,
            username=body.username,
            display_name=body.display_name,
            language=body.language,
            profile=body.profile,
            client_address=identity.address_of(request.scope),
        )
        return bodies.LetterAnswer(email=body.email)

    create_account.__annotations__["body"] = with_profile(bodies.SignUp, identity.profiles.asked, whole=True)
    answers = refusals(400, 409, 413, 415, 422, 429, 503)
    router.post("/sign-up", status_code=202, responses=answers)(create_account)


def add_profile(router: APIRouter, identity: Identity) -> None:
    @router.patch("/me", responses=refusals(400, 401, 403, 404, 409, 413, 415, 422, 503))
    async def change_profile(body: bodies.Profile, user: Owner) -> bodies.UserAnswer:
        """Change what you say about yourself. What is left out stays, null takes a value away."""
        changes = body.model_dump(include=body.model_fields_set)
        return user_answer(await identity.accounts.change_profile(user.id, changes))


def add_password(router: APIRouter, identity: Identity) -> None:
    @router.post("/password", status_code=204, responses=refusals(400, 401, 403, 404, 409, 413, 415, 422, 429, 503))
    async def change_password(body: bodies.OtherPassword, user: Owner, request: Request) -> None:
        """Change your password. Your other sessions end, and a letter tells you."""
        await identity.factors.require_fresh(user.id, user.session_id)
        await identity.accounts.change_password(
            user.id, user.session_id, body.current_password, body.new_password, identity.address_of(request.scope)
        )

    @router.post("/password/forgot", status_code=202, responses=refusals(400, 413, 415, 422, 429, 503))
    async def forgot_password(body: bodies.ByAddress, request: Request) -> bodies.LetterAnswer:
        """Ask for the letter that sets a new password. The answer does not tell whether there is an account."""
        await identity.accounts.ask_for_reset(body.email, identity.address_of(request.scope))
        return bodies.LetterAnswer(email=body.email)

    @router.post("/password/reset", status_code=204, responses=refusals(400, 403, 409, 413, 415, 422, 503))
    async def reset_password(body: bodies.NewPasswordByToken, request: Request) -> None:
        """Set a new password with the letter's token. All of your sessions end."""
        await identity.accounts.reset_password(body.token, body.password, identity.address_of(request.scope))


def add_address(router: APIRouter, identity: Identity) -> None:
    @router.post("/verify-email", responses=refusals(400, 403, 409, 413, 415, 422, 503))
    async def verify_email(body: bodies.ByToken) -> bodies.UserAnswer:
        """Confirm your address with the letter's token. Then sign in."""
        return user_answer(await identity.accounts.verify_email(body.token))

    @router.post("/verify-email/resend", status_code=202, responses=refusals(400, 413, 415, 422, 429, 503))
    async def resend_verification(body: bodies.ByAddress, request: Request) -> bodies.LetterAnswer:
        """Ask for that letter again."""
        await identity.accounts.send_verification(body.email, identity.address_of(request.scope))
        return bodies.LetterAnswer(email=body.email)

    @router.post("/email", status_code=202, responses=refusals(400, 401, 403, 404, 413, 415, 422, 429, 503))
    async def change_email(body: bodies.OtherEmail, user: Owner, request: Request) -> bodies.LetterAnswer:
        """Ask for another address. It is yours when the letter sent there has been confirmed."""
        await identity.factors.require_fresh(user.id, user.session_id)
        address = identity.address_of(request.scope)
        await identity.accounts.ask_for_email(user.id, body.email, body.password, address)
        return bodies.LetterAnswer(email=body.email)

    @router.post("/email/confirm", responses=refusals(400, 403, 409, 413, 415, 422, 503))
    async def confirm_email(body: bodies.ByToken) -> bodies.UserAnswer:
        """Confirm the new address with the letter's token. The old address is told."""
        return user_answer(await identity.accounts.confirm_email(body.token))


def user_answer(user: Account) -> bodies.UserAnswer:
    return bodies.UserAnswer(
        id=user.id,
        email=user.email,
        email_verified=user.email_verified,
        username=user.username,
        display_name=user.display_name,
        language=user.language,
        created_at=user.created_at,
    )
