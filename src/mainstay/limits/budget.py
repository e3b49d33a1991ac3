"""One budget: the generic cell rate algorithm, in this process alone or on a lease from a shared store."""

from mainstay.limits.policy import Policy

# Clocks round: a unit that is due within a billionth of a second is due.
SLACK = 1e-9
ASK = -1.0


class Budget:
    """GCRA in its virtual-scheduling form (ITU-T I.371, annex A): `tat` is when the budget will be whole again.

    Times are seconds of a monotonic clock. `look` before `take`, without an await in between.
    """

    __slots__ = ("interval", "key", "policy", "tat", "tolerance")

    def __init__(self, policy: Policy, key: str) -> None:
        self.policy = policy
        self.key = key
        self.interval = policy.interval
        self.tolerance = policy.tolerance
        self.tat = 0.0

    def look(self, now: float, cost: int = 1) -> float:
        """0 where so many units are there, else the seconds until they are; ASK where only the store can tell."""
        tat = self.tat
        wait = (tat if tat > now else now) + self.interval * cost - self.tolerance - now
        return wait if wait > SLACK else 0.0

    def take(self, now: float, cost: int = 1) -> None:
        """Spend so many units."""
        tat = self.tat
        self.tat = (tat if tat > now else now) + self.interval * cost

    def left(self, now: float) -> float:
        """Units that could be taken at once, with the part of one that is on its way."""
        used = self.tat - now
        return (self.tolerance - used if used > 0 else self.tolerance) / self.interval

    def is_whole(self, now: float) -> bool:
        """Whether forgetting this budget changes nothing."""
        return self.tat <= now


class LeasedBudget(Budget):
    """A budget that several processes share: units are taken from a lease while it lasts.

    `tat` mirrors the store's, in which the lease counts as spent. While the store is away the budget goes on as this
    process's own, from where the store last stood.
    """

    __slots__ = ("alone", "asking", "deadline", "refused_cost", "refused_until", "size", "tokens", "waiting")

    def __init__(self, policy: Policy, key: str, alone: "Alone") -> None:
        super().__init__(policy, key)
        self.alone = alone
        self.tokens = 0
        self.deadline = 0.0
        self.refused_until = 0.0
        self.refused_cost = 1
        self.size = 1
        self.waiting = False
        self.asking = False

    def look(self, now: float, cost: int = 1) -> float:
        if self.tokens >= cost and now < self.deadline:
            return 0.0
        if self.alone.away:
            return super().look(now, cost)
        if now < self.refused_until and cost >= self.refused_cost:
            return max(super().look(now, cost), self.refused_until - now)
        return ASK

    def take(self, now: float, cost: int = 1) -> None:
        if self.tokens >= cost and now < self.deadline:
            self.tokens -= cost
        else:
            super().take(now, cost)

    def left(self, now: float) -> float:
        held = self.tokens if now < self.deadline else 0
        return min(super().left(now) + held, self.tolerance / self.interval)

    def is_whole(self, now: float) -> bool:
        return self.tat <= now and not self.tokens and not self.asking and not self.waiting

    def hand_back(self, now: float) -> int:
        """What is left of the lease, which is over with this call; also sizes the next one by how this one went."""
        unspent, self.tokens = self.tokens, 0
        if unspent:
            self.size = max(1, self.size - unspent)
        elif now < self.deadline:
            self.size = min(self.size * 2, self.policy.share)
        return unspent

    def hold(self, granted: int, tat: float, deadline: float) -> None:
        """The store has granted so many units, to be spent before the deadline."""
        self.tat = tat
        self.tokens, self.deadline = granted, deadline
        self.refused_until = 0.0

    def refuse(self, cost: int, tat: float, until: float) -> None:
        """The store has not so many units, and need not be asked again until then."""
        self.tat = tat
        self.refused_until, self.refused_cost = until, cost


class Alone:
    """Whether the store is away, as every budget of a process sees it."""

    __slots__ = ("away",)

    def __init__(self) -> None:
        self.away = False
