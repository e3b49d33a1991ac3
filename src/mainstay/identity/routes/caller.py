"""The signed-in caller of a route: whoever it is, in a session, or in a session of their own."""

from typing import Annotated

from fastapi import Depends

from mainstay.identity.dependencies import CurrentUser, SessionUser, in_own_session, in_session, signed_in

# Whatever their scopes; an API key too.
User = Annotated[CurrentUser, Depends(signed_in)]
# Not an API key.
InSession = Annotated[SessionUser, Depends(in_session)]
# Neither an API key nor an administrator who acts as them: for passwords, addresses, factors, keys, deletion.
OwnSession = Annotated[SessionUser, Depends(in_own_session)]
