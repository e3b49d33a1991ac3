"""What the storage room's tests share."""

import pytest


@pytest.fixture
def with_rooms() -> bool:
    """They make their own tables."""
    return False
