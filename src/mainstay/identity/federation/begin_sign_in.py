"""Begin: remember in the browser what has to be the same afterwards, and send it to the provider."""

import re
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit, urlunsplit
from uuid import UUID

from mainstay.base.errors import BadRequest
from mainstay.identity.federation.desk import Desk
from mainstay.identity.federation.pending import Pending, challenge_of, cookie_of, fresh, keep
from mainstay.identity.federation.return_to import require_return

_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class Begun:
    """Where the browser goes, and the cookie it takes along."""

    url: str
    cookie: str


async def begin_sign_in(
    desk: Desk,
    name: str,
    *,
    return_to: str,
    own_address: str,
    challenge: str | None = None,
    tenant: str | None = None,
    remember: bool = False,
    link: tuple[UUID, UUID] | None = None,
) -> Begun:
    """Sign in with this provider, and come back to `return_to`: with a session in cookies, or with `challenge` (S256)
    with a code that only the holder of its verifier can exchange.
    `remember` outlives the browser; `link` is the user and session to link it to.

    `own_address` is where the request came to, used where no public URL is set. Raises NotFound, ReturnRefused,
    BadRequest, ProviderAway.
    """
    provider = desk.provider(name)
    require_return(return_to, desk.options.origins)
    if challenge is not None and _CHALLENGE.fullmatch(challenge) is None:
        raise BadRequest("challenge is the SHA-256 of a verifier, as 43 characters (RFC 7636, S256).")
    if challenge is None and not return_to.startswith("/"):
        # Cookies are this host's own: a page elsewhere could do nothing with them.
        raise BadRequest("A front end on another origin sends a challenge, and gets a code to exchange.")
    metadata = await desk.issuers.metadata(provider)
    redirect_uri = f"{(desk.options.public_url or own_address).rstrip('/')}/auth/federation/{name}/callback"
    user, session = (None, None) if link is None else (str(link[0]), str(link[1]))
    expires = desk.room.now().timestamp() + desk.options.pending_seconds
    pending = Pending(
        name,
        fresh(),
        fresh(),
        fresh(),
        return_to,
        redirect_uri,
        expires,
        challenge=challenge,
        user_id=user,
        session_id=session,
        tenant=tenant,
        remember=remember,
    )
    asked = {
        "response_type": "code",
        "client_id": provider.client_id,
        "redirect_uri": redirect_uri,
        "scope": " ".join(provider.scopes),
        "state": pending.state,
        "code_challenge": challenge_of(pending.verifier),
        "code_challenge_method": "S256",
    }
    if provider.kind == "oidc":
        asked |= {"nonce": pending.nonce}
    if len(provider.domains) == 1:
        asked |= {"hd": next(iter(provider.domains))}
    parts = urlsplit(metadata.authorize_url)
    query = "&".join(each for each in (parts.query, urlencode(dict(provider.parameters) | asked)) if each)
    cookie = cookie_of(pending.state, desk.room.options.secure_cookies)
    set_cookie = cookie.set(keep(pending, desk.pending), desk.options.pending_seconds)
    return Begun(urlunsplit(parts._replace(query=query, fragment="")), set_cookie)
