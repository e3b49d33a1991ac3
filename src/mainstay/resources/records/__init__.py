"""Rows read and written on behalf of a caller: the one way in, for REST, users' own code, files and jobs."""

from mainstay.resources.records.collection import Collection
from mainstay.resources.records.records import Records
from mainstay.resources.records.resource_records import ResourceRecords

__all__ = ["Collection", "Records", "ResourceRecords"]
