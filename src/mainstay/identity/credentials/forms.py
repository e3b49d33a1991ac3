"""Which forms of hashes there are: kind and cost, all that tells the time of one comparison from that of another.

Whoever came with bcrypt, or with other settings of Argon2, would be known by how long a refusal takes. So each refusal
compares with one hash of every form that an account here has: all take as long, whoever is asked for.
"""

import base64
import os
import re
from functools import lru_cache

from sqlalchemy import func, select

from mainstay.base.clock import Clock
from mainstay.base.errors import FieldError, Invalid
from mainstay.identity.credentials import bcrypt_hash
from mainstay.identity.credentials.options import PasswordOptions
from mainstay.identity.tables import credentials as t
from mainstay.storage.control import ControlPlane

# More would make every refusal cost as much as all of them together.
MOST = 8
# Seconds after which a process asks again which there are: another may have brought users from elsewhere.
LOOK_AGAIN = 5.0
_ARGON = re.compile(r"\$(argon2(?:id|i|d)\$v=19\$m=\d+,t=\d+,p=\d+)\$")

# From one form to the next by the index, however many hashes there are of each.
_first = select(func.min(t.c.form).label("form")).cte("forms", recursive=True)
_next = select(func.min(t.c.form)).where(t.c.form > _first.c.form).scalar_subquery()
_found = _first.union_all(select(_next).where(_first.c.form.is_not(None)))
PRESENT = select(_found.c.form).where(_found.c.form.is_not(None))


def form_of(secret: str) -> str | None:
    """`bcrypt$12`, or `argon2id$v=19$m=19456,t=2,p=1`; None for what is no hash."""
    if bcrypt_hash.is_one(secret):
        found = bcrypt_hash.FORM.fullmatch(secret)
        return None if found is None else f"bcrypt${found[1]}"
    argon = _ARGON.match(secret)
    return None if argon is None else argon[1]


def form_made(options: PasswordOptions) -> str:
    """Of the hashes that are made with these settings."""
    return f"argon2id$v=19$m={options.memory_kib},t={options.passes},p={options.lanes}"


@lru_cache(maxsize=64)
def nobodys(form: str) -> str:
    """A hash of this form that no password is known for."""
    kind, _, cost = form.partition("$")
    if kind == "bcrypt":
        return f"$2b${cost}${'.' * 22}{'.' * 31}"
    salt, digest = (base64.b64encode(os.urandom(size)).decode().rstrip("=") for size in (16, 32))
    return f"${form}${salt}${digest}"


class Forms:
    """The forms there are in the database, as this process knows them."""

    def __init__(self, control: ControlPlane, clock: Clock) -> None:
        self._control, self._clock = control, clock
        self._present: frozenset[str] = frozenset()
        self._until = float("-inf")

    async def present(self) -> frozenset[str]:
        """Looked up every few seconds: one query, of as many steps as there are forms."""
        now = self._clock.monotonic()
        if now >= self._until:
            self._present = frozenset(row[0] for row in await self._control.fetch(PRESENT))
            self._until = now + LOOK_AGAIN
        return self._present

    def saw(self, secret: str) -> None:
        """Another process has brought it since we looked."""
        form = form_of(secret)
        if form is not None and form not in self._present:
            self._present |= {form}

    def look_again(self) -> None:
        """Users came from elsewhere, here and now."""
        self._until = float("-inf")

    async def require_room(self, secret: str) -> None:
        """Before a hash from elsewhere is kept. Raises Invalid where there are too many forms already."""
        form = form_of(secret)
        self.look_again()
        present = await self.present()
        if form not in present and len(present) >= MOST:
            told = f"There are hashes of {len(present)} kinds and costs already; a refused sign-in costs one of each."
            raise Invalid(told, errors=[FieldError(("password_hash",), "import", told)])
