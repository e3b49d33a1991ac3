"""Programs that use a Mainstay app: a session that is kept fresh, typed problems, resources. Nothing of the server.

from mainstay.client import Client, FileStore

with Client("https://app.example", store=FileStore("~/.config/notes/session")) as client:
    if not client.is_signed_in:
        client.sign_in("ada@example.com", "correct horse battery")
    for note in client.resource("notes").list(sort="-created_at"):
        print(note["text"])
"""

from mainstay.client.client import AsyncClient, Client
from mainstay.client.errors import ClientError, Problem, StepUpRequired, Unreachable
from mainstay.client.file_store import FileStore
from mainstay.client.resource import Row
from mainstay.client.stores import KeyringStore, MemoryStore, Tokens, TokenStore

__all__ = [
    "AsyncClient",
    "Client",
    "ClientError",
    "FileStore",
    "KeyringStore",
    "MemoryStore",
    "Problem",
    "Row",
    "StepUpRequired",
    "TokenStore",
    "Tokens",
    "Unreachable",
]
