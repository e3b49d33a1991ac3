"""What is void: the newest voiding of each tag, on a scale of numbers that only grows."""

import threading
from collections import OrderedDict
from collections.abc import Iterable

from mainstay.cache.naming.tags import touched


class Marks:
    """The number at which each tag was last voided; whatever is stamped lower and has the tag is void.

    Holds at most so many tags. When it forgets one, everything stamped before that one's number counts as void.
    Thread-safe.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._last: OrderedDict[str, int] = OrderedDict()
        self._lock = threading.Lock()
        self.floor = 0

    def put(self, tags: Iterable[str], number: int) -> None:
        """These tags are voided at this number; numbers come in ascending order."""
        with self._lock:
            last = self._last
            for tag in tags:
                last[tag] = number
                last.move_to_end(tag)
            while len(last) > self._most:
                self.floor = last.popitem(last=False)[1]

    def changed(self, tenant: str, changes: Iterable[tuple[str, str]], number: int) -> None:
        """A tenant's rows were changed at this number: pairs of a resource's name and a key, "" for many rows."""
        self.put(touched(tenant, changes), number)

    def fresh(self, tags: Iterable[str], stamp: int) -> bool:
        """Whether none of these tags was voided after the stamp was taken."""
        if stamp < self.floor:
            return False
        last = self._last
        return all(last.get(tag, 0) <= stamp for tag in tags)


class Voids:
    """This process's own voidings: effective the moment they are made, for fills under way as well."""

    def __init__(self, most: int) -> None:
        self._marks = Marks(most)
        self._lock = threading.Lock()
        self._number = 0

    def stamp(self) -> int:
        """What a fill that begins now is stamped with."""
        return self._number

    def void(self, tags: Iterable[str]) -> None:
        """Whatever was begun until now and has one of these tags is void."""
        with self._lock:
            number = self._number + 1
            # The mark first: a fill that is stamped with this number began after it.
            self._marks.put(tags, number)
            self._number = number

    def fresh(self, tags: Iterable[str], stamp: int) -> bool:
        """Whether nothing of this was voided since the stamp."""
        return self._marks.fresh(tags, stamp)


class Outstanding:
    """Tags voided here of which a shared store does not know yet: until it does, this process does without them."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._tags: dict[str, int] = {}
        self._lock = threading.Lock()
        self._number = 0

    def add(self, tags: Iterable[str], root: str) -> None:
        """These are to be told. Beyond the most it is everything, `root`, that is to be told."""
        with self._lock:
            self._number += 1
            for tag in tags:
                self._tags[tag] = self._number
            if len(self._tags) > self._most:
                self._tags = {root: self._number}

    def blocks(self, tags: Iterable[str]) -> bool:
        """Whether the store may hold something void under one of these tags."""
        waiting = self._tags
        return bool(waiting) and any(tag in waiting for tag in tags)

    def waiting(self) -> dict[str, int]:
        """What is to be told, each with a number to settle it by."""
        with self._lock:
            return dict(self._tags)

    def settle(self, told: dict[str, int]) -> None:
        """The store knows of these, unless they were voided again meanwhile."""
        with self._lock:
            for tag, number in told.items():
                if self._tags.get(tag) == number:
                    del self._tags[tag]
