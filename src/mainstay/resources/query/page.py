"""How much of a list is asked for, and from where."""

from dataclasses import dataclass

from mainstay.resources.options import QueryOptions
from mainstay.resources.query.filter import Mistake
from mainstay.resources.query.terms import Count, Mode

_COUNTS: dict[str, Count] = {"none": "none", "exact": "exact", "estimated": "estimated"}


@dataclass(slots=True)
class Paging:
    """One page of a list. A cursor goes before a page number, a page number before an offset."""

    mode: Mode = "cursor"
    limit: int = 20
    after: str | None = None
    before: str | None = None
    page: int = 1
    offset: int = 0
    count: Count = "none"


def read_paging(
    given: dict[str, str], options: QueryOptions, default: int, largest: int
) -> tuple[Paging, list[Mistake]]:
    """The page that these parameters (by their role, such as `limit`) ask for, and what is wrong with them."""
    paging, mistakes = Paging(limit=default), []
    bounds = {
        "limit": (1, largest),
        "size": (1, largest),
        "page": (1, options.page_max),
        "offset": (0, options.offset_max),
    }
    numbers: dict[str, int] = {}
    for role, (lowest, highest) in bounds.items():
        text = given.get(role)
        if text is None:
            continue
        number = int(text) if len(text) <= 18 and text.isascii() and text.isdigit() else -1
        if lowest <= number <= highest:
            numbers[role] = number
        else:
            name = getattr(options.names, role)
            mistakes.append(Mistake(name, "range", f"Send a whole number from {lowest} to {highest}."))
    if "count" in given:
        if given["count"] in _COUNTS:
            paging.count = _COUNTS[given["count"]]
        else:
            mistakes.append(Mistake(options.names.count, "choice", "Choose one of: none, exact, estimated."))
    paging.limit = numbers.get("limit", numbers.get("size", default))
    if "after" in given or "before" in given:
        paging.after = given.get("after")
        paging.before = None if "after" in given else given["before"]
    elif "page" in given or "size" in given:
        paging.mode = "page"
        paging.page = numbers.get("page", 1)
        paging.limit = numbers.get("size", numbers.get("limit", default))
    elif "offset" in given:
        paging.mode = "offset"
        paging.offset = numbers.get("offset", 0)
    return paging, mistakes
