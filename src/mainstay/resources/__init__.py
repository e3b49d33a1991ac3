"""Resources served: queries, plans, policy, records.

registry = Registry()
registry.add(Book)
records = Records(registry, database, cursor_key=master_key.derive("resources.cursors"))
books = records["books"]
answer = await books.page(caller, books.read_query(b"sort=-price&limit=5"))
answer.body, answer.etag
"""

from mainstay.resources.answers import Answer, Written
from mainstay.resources.options import QueryOptions, ResourcesOptions
from mainstay.resources.query import ListQuery
from mainstay.resources.records import Collection, Records
from mainstay.resources.registry import Registry

__all__ = ["Answer", "Collection", "ListQuery", "QueryOptions", "Records", "Registry", "ResourcesOptions", "Written"]
