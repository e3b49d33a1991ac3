"""One resource's rows: reading and writing together."""

from mainstay.resources.records.reading import Reading


class ResourceRecords(Reading):
    """Everything that may be done with the rows of one resource, on behalf of a caller given first."""
