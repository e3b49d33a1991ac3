"""What a caller must have proved lately before anything is done with a resource: `Access(step_up=...)` at work."""

from collections.abc import Iterable

from mainstay.base.actor import Actor
from mainstay.base.clock import Clock
from mainstay.base.errors import Rejected, SignInRequired
from mainstay.base.proof import Proof
from mainstay.resources.registry import Registered, Registry


class StepUp:
    """Asked by whatever reads or changes rows, whichever way it was reached, and each time: a proof grows old."""

    def __init__(self, registry: Registry, clock: Clock) -> None:
        self._registry, self._clock = registry, clock

    def asks_to_read(self, entry: Registered, touches: Iterable[str] = ()) -> bool:
        """Whether reading this, with those of `touches` behind filters, counts and expansions, asks for a proof."""
        if not self._registry.asks_proof:
            return False
        return "read" in entry.access.proofs or any("read" in self._registry[name].access.proofs for name in touches)

    def lacking(self, entry: Registered, operation: str, actor: Actor) -> Rejected | None:
        """What the caller is told who has not proved what the operation asks for; None where nothing is lacking."""
        proof = proof_for(self._registry, entry, operation)
        if proof is None or actor.console:
            return None
        return proof.lacking(actor, self._clock.now()) if actor.signed_in else SignInRequired()

    def require(self, entry: Registered, operation: str, actor: Actor, touches: Iterable[str] = ()) -> None:
        """Raises what `lacking` tells, of the operation, or of reading one of `touches`."""
        if not self._registry.asks_proof:
            return
        refused = self.lacking(entry, operation, actor)
        for name in touches:
            refused = refused or self.lacking(self._registry[name], "read", actor)
        if refused is not None:
            raise refused


def proof_for(registry: Registry, entry: Registered, operation: str) -> Proof | None:
    """What read, create, update or delete asks for. Rows that go with a deleted row ask as much as it does."""
    if operation != "delete":
        return entry.access.proofs.get(operation)
    proof: Proof | None = None
    for each in _going_with(registry, entry, {}).values():
        wanted = each.access.proofs.get(operation)
        proof = proof if wanted is None else wanted & proof
    return proof


def _going_with(registry: Registry, entry: Registered, found: dict[str, Registered]) -> dict[str, Registered]:
    found[entry.name] = entry
    for other, _, cascades in registry.referring(entry):
        if cascades and other.name not in found:
            _going_with(registry, other, found)
    return found
