"""Regular expressions that say in a schema which decimal strings a field takes, bounds included."""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal


def decimal_pattern(
    digits: int,
    places: int,
    *,
    ge: Decimal | None = None,
    gt: Decimal | None = None,
    le: Decimal | None = None,
    lt: Decimal | None = None,
) -> str:
    """A pattern matching the canonical decimal strings with at most `places` decimals inside the bounds.

    JSON Schema has no bounds for numbers that travel as strings, so the bounds are spelled as digits. Only plain
    character classes and groups are used, so that every dialect of regular expressions reads it alike.
    """
    unit = Decimal(10) ** places
    lowest, highest = 1 - 10**digits, 10**digits - 1
    if ge is not None:
        lowest = max(lowest, int((ge * unit).to_integral_value(ROUND_CEILING)))
    if gt is not None:
        lowest = max(lowest, int((gt * unit).to_integral_value(ROUND_FLOOR)) + 1)
    if le is not None:
        highest = min(highest, int((le * unit).to_integral_value(ROUND_FLOOR)))
    if lt is not None:
        highest = min(highest, int((lt * unit).to_integral_value(ROUND_CEILING)) - 1)
    if lowest == -highest:
        return f"^-?{_magnitudes(0, highest, places)}$"
    choices = []
    if highest >= 0:
        choices.append(_magnitudes(max(lowest, 0), highest, places))
    if lowest < 0:
        choices.append("-" + _magnitudes(max(-highest, 0 if highest >= 0 else 1), -lowest, places))
    return f"^{_either(choices)}$"


def _magnitudes(low: int, high: int, places: int) -> str:
    """The unsigned decimal strings whose value times 10**places lies within low..high."""
    if places == 0:
        return _whole(low, high)
    unit = 10**places
    (low_whole, low_part), (high_whole, high_part) = divmod(low, unit), divmod(high, unit)
    if low_whole == high_whole:
        return f"{low_whole}{_fraction(low_part, high_part, places)}"
    choices = []
    if low_part:
        choices.append(f"{low_whole}{_fraction(low_part, unit - 1, places)}")
        low_whole += 1
    if high_part != unit - 1:
        choices.append(f"{high_whole}{_fraction(0, high_part, places)}")
        high_whole -= 1
    if low_whole <= high_whole:
        choices.append(f"{_whole(low_whole, high_whole)}(\\.[0-9]{{1,{places}}})?")
    return _either(choices)


def _whole(low: int, high: int) -> str:
    """Integers low..high without leading zeros."""
    choices = ["0"] if low == 0 else []
    full: list[int] = []
    for length in range(len(str(max(low, 1))), len(str(high)) + 1):
        first, last = max(low, 10 ** (length - 1)), min(high, 10**length - 1)
        if first > last:
            continue
        if first == 10 ** (length - 1) and last == 10**length - 1:
            full.append(length - 1)
        else:
            choices.append(_between(str(first), str(last)))
    if full:
        choices.append(f"[1-9][0-9]{{{full[0]},{full[-1]}}}")
    return _either(choices)


def _fraction(low: int, high: int, places: int) -> str:
    """The point and one to `places` digits, for fractions low..high in units of the last place."""
    choices = []
    for length in range(1, places + 1):
        step = 10 ** (places - length)
        first, last = -(-low // step), high // step
        if first <= last:
            choices.append(_between(str(first).zfill(length), str(last).zfill(length)))
    point = f"\\.{_either(choices)}" if choices else ""
    return f"({point})?" if low == 0 and point else point


def _between(low: str, high: str) -> str:
    """Digit strings of one length, from low to high."""
    if not low:
        return ""
    rest = len(low) - 1
    if set(low) == {"0"} and set(high) == {"9"}:
        return _digits(rest + 1)
    if low[0] == high[0]:
        return low[0] + _between(low[1:], high[1:])
    choices = []
    first, last = int(low[0]), int(high[0])
    if set(low[1:]) - {"0"}:
        choices.append(low[0] + _between(low[1:], "9" * rest))
        first += 1
    if set(high[1:]) - {"9"}:
        choices.append(high[0] + _between("0" * rest, high[1:]))
        last -= 1
    if first <= last:
        choices.append((str(first) if first == last else f"[{first}-{last}]") + _digits(rest))
    return _either(choices)


def _digits(count: int) -> str:
    return {0: "", 1: "[0-9]"}.get(count, f"[0-9]{{{count}}}")


def _either(choices: list[str]) -> str:
    return choices[0] if len(choices) == 1 else f"({'|'.join(choices)})"
