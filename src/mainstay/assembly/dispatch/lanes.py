"""Reads that a caller repeats: from the request's headers to the answer in one step.

The ordinary way parses, looks up and decides; what it concluded about a caller's read depends on nothing but the proof,
the tenant, the path and the query string, and is kept with the verified token, which is dropped as soon as the session,
the user, the roles or the tenant change. What may change with each request is asked each time: whether the token still
holds, whether the gate admits, and the database.
"""

from collections import deque
from collections.abc import Mapping
from typing import Any

from starlette.types import Scope

from mainstay.assembly.wiring.identity_to_tenancy import HEADER
from mainstay.base.context import Caller
from mainstay.base.ports import Gate
from mainstay.identity import Identity, Verified
from mainstay.resources.rest import Lane, Reply, RestRoutes

# Lanes of one token, and of all together.
EACH, ALL = 32, 32_768
Key = tuple[str, bytes, bytes | None]


class Lanes:
    """Answers GET requests with a bearer token that were answered before; None for every other."""

    def __init__(self, identity: Identity, rest: RestRoutes, gate: Gate, *, tenant_header: bool) -> None:
        self._verify_now = identity.verify_now
        self._rest = rest
        self._admit_now = gate.admit_now
        self._by_header = tenant_header
        # Every lane that any token keeps, oldest first.
        self._kept: deque[tuple[dict[Any, Any], Key]] = deque()

    def answer_now(self, scope: Scope, headers: Mapping[bytes, bytes]) -> Reply | None:
        """The answer; None where it has to be found in the ordinary way. Raises base.Rejected to refuse."""
        token = headers.get(b"authorization")
        if token is None or token[:7] != b"Bearer " or scope["method"] != "GET":
            return None
        if len(headers) != len(scope["headers"]):
            # Which one counts of a header that stands twice is not ours to say.
            return None
        verified = self._verify_now(token[7:])
        if verified is None:
            return None
        tenant = headers.get(HEADER) if self._by_header else None
        path: str = scope["path"]
        query: bytes = scope["query_string"]
        argument = ""
        lane: Lane | None = verified.lanes.get((path, query, tenant))
        if lane is None:
            # A row's: the key is the last part of the path.
            cut = path.rfind("/") + 1
            argument = path[cut:]
            lane = verified.lanes.get((path[:cut], query, tenant))
            if lane is None or b"%" in scope.get("raw_path", b""):
                lane, argument = self._find(scope, verified, tenant)
                if lane is None:
                    return None
        scope["mainstay.route"] = lane.template
        caller = scope["mainstay.caller"] = Caller(lane.actor, lane.scope, scope["mainstay.request_id"])
        if not self._admit_now(scope, caller):
            return None
        tag = headers.get(b"if-none-match")
        reply = lane.reply(argument, None if tag is None else tag.decode("latin-1"))
        if reply is None:
            # The ordinary way need not ask again.
            scope["mainstay.admitted"] = True
        return reply

    def _find(self, scope: Scope, verified: Verified, tenant: bytes | None) -> tuple[Lane | None, str]:
        """The lane of a page beyond a cursor, or a new one, and what differs each time."""
        path, query = scope["path"], scope["query_string"]
        start, cursor = self._rest.cursor_apart(query)
        if cursor is not None:
            lane = verified.lanes.get((path, start, tenant))
            if lane is not None:
                return lane, cursor
        known = verified.callers.get(tenant)
        if known is None or b"%" in scope.get("raw_path", b""):
            return None, ""
        found = self._rest.lane(scope, Caller(known[0], known[1], ""))
        if found is None:
            return None, ""
        lane, argument = found
        place = path if cursor is not None or not argument else path[: path.rfind("/") + 1]
        self._keep(verified.lanes, (place, start, tenant), lane)
        return lane, argument

    def _keep(self, lanes: dict[Any, Any], key: Key, lane: Lane) -> None:
        if len(lanes) >= EACH:
            lanes.clear()
        lanes[key] = lane
        self._kept.append((lanes, key))
        if len(self._kept) > ALL:
            oldest, its_key = self._kept.popleft()
            oldest.pop(its_key, None)
