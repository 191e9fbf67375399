"""The kinds of values that are numbers and times, as in `kinds`."""

from ..civil import duration as duration_words
from . import durations
from .kinds import has_type
from .problems import shown

_LARGEST = 1e30  # the ESP32's floats end at 3.4e38; sums and differences of readings must stay below


def duration(value, limit, path, findings):
    """`limit`: (least seconds, most seconds, the reason of the least)."""
    least, most, reason = limit
    if not has_type(value, str, path, findings, '"90s", "15min" or "4h"'):
        return None
    try:
        seconds = durations.parse(value)
    except ValueError as error:
        findings.error(path, "%s cannot be read: %s" % (shown(value), error))
        return None
    if seconds < least:
        findings.error(
            path, "%s is too short: at least %s, %s" % (shown(value), duration_words(least), reason)
        )
    elif seconds > most:
        findings.error(path, "%s is too long: at most %s" % (shown(value), duration_words(most)))
    else:
        return seconds
    return None


def utc_offset(value, limit, path, findings):
    """Seconds east of UTC of "+05:30", "-03:30" or "Z"."""
    if not has_type(value, str, path, findings, '"+05:30", "-03:30" or "Z"'):
        return None
    if value == "Z":
        return 0
    digits = value[1:3] + value[4:]
    if len(value) == 6 and value[0] in "+-" and value[3] == ":" and all("0" <= one <= "9" for one in digits):
        minutes = int(digits[:2]) * 60 + int(digits[2:])
        if minutes <= 14 * 60 and int(digits[2:]) < 60:
            return minutes * (-60 if value[0] == "-" else 60)
    findings.error(
        path,
        '%s is no offset from UTC: write "+HH:MM" or "-HH:MM", at most 14 hours, as in "+01:00", or "Z" for '
        "UTC" % shown(value),
    )
    return None


def time_of_day(value, limit, path, findings):
    """Seconds since midnight of "07:00"."""
    if not has_type(value, str, path, findings, '"07:00"'):
        return None
    digits = value[:2] + value[3:]
    if len(value) == 5 and value[2] == ":" and all("0" <= one <= "9" for one in digits):
        hours, minutes = int(digits[:2]), int(digits[2:])
        if hours < 24 and minutes < 60:
            return hours * 3600 + minutes * 60
    findings.error(
        path, '%s is no time of day: write "HH:MM" from "00:00" to "23:59", as in "07:00"' % shown(value)
    )
    return None


def whole(value, limit, path, findings):
    """`limit`: (least, most, the reason, an example)."""
    least, most, reason, such_as = limit
    if not has_type(value, int, path, findings, such_as):
        return None
    if not least <= value <= most:
        findings.error(
            path, "%s is out of range: it must be from %d to %d, %s" % (shown(value), least, most, reason)
        )
        return None
    return value


def number(value, limit, path, findings):
    """A finite float."""
    if not has_type(value, float, path, findings, "-18.5"):
        return None
    if not -_LARGEST < value < _LARGEST:
        findings.error(path, "is not a number that a reading can be compared with: write one such as -18.5")
        return None
    return float(value)


def share(value, limit, path, findings):
    """A part of a whole: a float above 0, and at most 1."""
    if not has_type(value, float, path, findings, "0.25"):
        return None
    if not 0 < value <= 1:
        findings.error(path, "%s is no share: it must be above 0 and at most 1, as in 0.25" % shown(value))
        return None
    return float(value)
