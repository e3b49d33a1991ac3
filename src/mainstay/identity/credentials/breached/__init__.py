"""Passwords that were in breaches, looked up without asking anybody."""

from mainstay.identity.credentials.breached.lists import BreachedList, HibpFile, PackedList, open_list
from mainstay.identity.credentials.breached.pack import pack

__all__ = ["BreachedList", "HibpFile", "PackedList", "open_list", "pack"]
