"""A declaration as data: what resources, access and the API's description read of a model.

from mainstay.model.spec import describe, validated

spec = describe(Book)
spec.fields["price"].accept("12.50")        # Decimal("12.5000"), or Refused with a sentence
validated(spec, "create", {"title": "Emma"})  # values by field, or base.Invalid
"""

from mainstay.model.rows import Draft, RowView
from mainstay.model.spec.describe import describe
from mainstay.model.spec.field_spec import FieldSpec
from mainstay.model.spec.relation_spec import RelationSpec
from mainstay.model.spec.resource_spec import ResourceSpec
from mainstay.model.spec.schemas import field_errors
from mainstay.model.spec.validate import run_checks, run_database_checks, run_hooks, validated
from mainstay.model.types import Refused

__all__ = [
    "Draft",
    "FieldSpec",
    "Refused",
    "RelationSpec",
    "ResourceSpec",
    "RowView",
    "describe",
    "field_errors",
    "run_checks",
    "run_database_checks",
    "run_hooks",
    "validated",
]
