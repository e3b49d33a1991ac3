"""What `import mainstay` offers."""

import subprocess
import sys

import mainstay


def test_every_public_name_can_be_had() -> None:
    for name in mainstay.__all__:
        assert getattr(mainstay, name) is not None


def test_one_room_is_imported_without_the_rest() -> None:
    code = "import sys, mainstay, mainstay.web; print([m for m in sys.modules if m.startswith('mainstay.')])"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "mainstay.web" in answer
    assert "mainstay.storage" not in answer
    assert "mainstay.identity" not in answer


def test_an_unknown_name_is_an_attribute_error() -> None:
    assert not hasattr(mainstay, "nothing_of_this_name")
