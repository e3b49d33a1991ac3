"""The signed-in caller of a route, whatever their scopes."""

from typing import Annotated

from fastapi import Depends

from mainstay.identity.dependencies import CurrentUser, signed_in

User = Annotated[CurrentUser, Depends(signed_in)]
