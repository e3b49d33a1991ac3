"""The first administrator's link, after there was one."""

import pytest

from mainstay.base.errors import Conflict
from mainstay.base.tenant import DEFAULT_TENANT, SystemScope
from mainstay.tenancy import Tenancy
from tests.databases import Urls
from tests.journeys.shop import PASSWORD, shop, visiting


async def test_once_there_was_an_administrator_strangers_cannot_have_all_members_counted(urls: Urls) -> None:
    app = shop(urls)
    async with visiting(app) as client:
        story = app.rooms.first_admin
        link = await story.link("http://test")
        assert link is not None
        token = link.partition("#")[2]
        await story.create(token, "root@example.com", PASSWORD)
        assert (await client.get("/first-admin")).status_code == 404
        root = await app.rooms.identity.find_user("root@example.com")
        assert root is not None
        # Nobody is looked at any more: a member who is no administrator now makes no old link good again.
        # (The app's own tenancy would keep the last one: this is what a hand at the database does.)
        await Tenancy(app.rooms.database, SystemScope("testing")).set_roles(DEFAULT_TENANT, root.id, ["user"])
        assert (await client.get("/first-admin")).status_code == 404
        with pytest.raises(Conflict) as refused:
            await story.create(token, "second@example.com", PASSWORD)
        assert refused.value.problem_code == "link_used"
        assert await app.rooms.identity.find_user("second@example.com") is None
