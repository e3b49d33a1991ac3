"""The pages for signing in, as settings."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from mainstay.identity.pages import PageOptions
from mainstay.web.pages import Theme

FOLDER = "pages"
_PATH = r"^(/[a-z0-9_-]+)+$"


class PageSettings(BaseModel):
    """Whether there are pages to sign in with, and how they look."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    on: bool = True
    path: str = Field("/account", pattern=_PATH, max_length=100)
    after: str | None = Field(None, pattern=r"^/([A-Za-z0-9._~-][A-Za-z0-9._~/-]*)?$")
    asks: tuple[Literal["username", "display_name"], ...] = ("display_name",)
    title: str | None = Field(None, max_length=100)
    logo: str | None = Field(None, pattern=r"^/[A-Za-z0-9._~-][A-Za-z0-9._~/-]*$")
    accent: str | None = Field(None, pattern=r"^#[0-9a-fA-F]{6}$")
    templates: Path | None = None
    language: str = Field("en", pattern=r"^[A-Za-z]{2,3}([-_][A-Za-z0-9]{1,8}){0,3}$")

    def options(self, *, title: str, folder: Path, sign_up: bool, reload: bool) -> PageOptions:
        """`title` is the app's; its own pages lie in the folder `pages` below `folder`, unless told."""
        own = folder / (self.templates or FOLDER)
        theme = Theme(
            title=self.title or title,
            logo=self.logo,
            accent=self.accent,
            folder=own if self.templates is not None or own.is_dir() else None,
            language=self.language,
            reload=reload,
        )
        return PageOptions(path=self.path, after=self.after, asks=self.asks, sign_up=sign_up, theme=theme)
