"""Hearing in every process what was changed in any: the outbox's tail."""

from mainstay.storage.tail.following import Heard, Tail, TailOptions

__all__ = ["Heard", "Tail", "TailOptions"]
