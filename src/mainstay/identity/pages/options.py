"""What can be set about the pages. Values come from assembly."""

from dataclasses import dataclass, field
from typing import Literal

from mainstay.web.pages import Theme

Asked = Literal["username", "display_name"]


@dataclass(frozen=True, slots=True)
class PageOptions:
    """`path` is where the pages are, `after` the path where people go who have signed in; None: their account.

    `asks` is what newcomers are asked for beside address, password and the app's own fields; they may leave it out.
    `sign_up` shows the page where accounts are made.
    """

    path: str = "/account"
    after: str | None = None
    asks: tuple[Asked, ...] = ("display_name",)
    sign_up: bool = True
    theme: Theme = field(default_factory=Theme)
