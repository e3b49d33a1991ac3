"""A value that a field does not take, and the sentence that says why."""


class Refused(ValueError):
    """One value refused: a stable code and a sentence for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def wrong_type(expected: str, value: object) -> Refused:
    """The refusal for a value of another JSON type; it never repeats the value itself."""
    names = {bool: "a boolean", int: "a number", float: "a number", str: "a string", list: "a list", dict: "an object"}
    given = "null" if value is None else names.get(type(value), type(value).__name__)
    return Refused("type", f"Send {expected}, not {given}.")
