"""Durations as people write them: `90s`, `15min`, `4h`, `2d`, `1h30min`."""

_UNITS = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))
_MAX_DIGITS = 9  # thirty years in seconds; a longer number is a slip of the keyboard

FORM = 'whole numbers with a unit each (d, h, min, s), largest first, as in "90s", "15min", "4h" or "1h30min"'


def parse(text):
    """Whole seconds of a duration. Blanks between its parts are allowed. ValueError says what is wrong."""
    rest = text.replace(" ", "")
    if not rest:
        raise ValueError("a duration is " + FORM)
    seconds = 0
    units = list(_UNITS)
    while rest:
        digits = _leading(rest, "0", "9")
        unit = _leading(rest[len(digits) :], "A", "z")
        rest = rest[len(digits) + len(unit) :]
        if not digits:
            raise ValueError("a duration is " + FORM)
        if len(digits) > _MAX_DIGITS:
            raise ValueError("a number in a duration has at most %d digits" % _MAX_DIGITS)
        seconds += int(digits) * _take(units, unit)
    return seconds


def _leading(text, low, high):
    end = 0
    while end < len(text) and low <= text[end] <= high:
        end += 1
    return text[:end]


def _take(units, unit):
    """The seconds of `unit`; it and the larger ones leave `units`, so that none comes twice or too late."""
    if unit == "m":
        raise ValueError('"m" could be a minute or a month: write "min"')
    for index, (name, seconds) in enumerate(units):
        if name == unit:
            del units[: index + 1]
            return seconds
    raise ValueError("a duration is " + FORM)
