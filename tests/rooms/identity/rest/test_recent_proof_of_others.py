"""A proof of lately is one's own: who acts as somebody else has shown none of theirs."""

from typing import Annotated

from fastapi import Depends

from mainstay.identity import CurrentUser
from mainstay.identity.factors import require_recent
from tests.databases import Urls
from tests.rooms.identity.rest.company import company
from tests.rooms.identity.rest.test_impersonation import act

Proved = Annotated[CurrentUser, Depends(require_recent(300))]


def test_who_acts_as_somebody_else_has_proved_nothing_lately(urls: Urls) -> None:
    with company(urls) as backend:

        @backend.app.post("/transfer")
        async def transfer(user: Proved) -> str:
            return str(user.id)

        acme = backend.tenant("acme")
        boss, ada = acme.as_user("boss", ["admin"]), acme.as_user("ada")
        assert ada.post("/transfer").status_code == 200
        answer = backend.client.post("/transfer", headers=act(boss, ada))
        assert (answer.status_code, answer.json().get("code")) == (403, "impersonating"), answer.text
