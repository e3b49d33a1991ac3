"""Users as administrators see and change them, and acting as one of them.

by = Administrator(user.id, tenant_id, user.roles, user.scopes)
page = await identity.administration.list(by, Wanted(q="ada"))      # the members of that tenant alone
await identity.administration.grant(by, user_id, "moderator")       # never more than `by` holds
"""

from mainstay.identity.administration.account import Account
from mainstay.identity.administration.administration import Administration
from mainstay.identity.administration.create_account import NewAccount
from mainstay.identity.administration.find_accounts import Wanted
from mainstay.identity.administration.impersonate import Acting
from mainstay.identity.administration.standing import Administrator

__all__ = ["Account", "Acting", "Administration", "Administrator", "NewAccount", "Wanted"]
