"""Users: who they are, how they come to be, and how they are shut out and erased."""

from mainstay.identity.accounts.import_user import COLUMNS
from mainstay.identity.accounts.user import User
from mainstay.identity.options import AccountOptions

__all__ = ["COLUMNS", "AccountOptions", "User"]
