"""An answer of the token endpoint without a token becomes the exception that says what the caller does next.

Microsoft Entra tells the reason by number (`error_codes`, and AADSTS in the description) and RFC 6749 by name
(`error`). Microsoft may split a number into finer ones at any time, so an unknown number is judged by its
name, and an unknown name by the HTTP status. Whatever the reason given, 429 and 5xx pass: a person could mend
nothing.
https://learn.microsoft.com/entra/identity-platform/reference-error-codes
"""

from ..civil import duration
from ..compat import const
from ..errors import FixSettings, RetryLater
from ..explanations import explain, rows
from ..redaction import shortened

_PARTS = ("entra", "oauth")  # of the table
_CLASSES = {"retry-later": RetryLater, "fix-settings": FixSettings}

# Entra gives one number; what else a list holds is not its own.
_MAX_NUMBERS = const(4)
_MAX_NUMBER = const(99999999)
_MAX_NAME_CHARACTERS = const(64)
# What is kept to be logged, mailed and explained: the rest is trace ids and advice to programmers.
_KEPT_CHARACTERS = const(200)


def refusal(status, answer, retry_after_s=0):
    """The exception, RetryLater or FixSettings; its text has the answer's words, the cause and the fix.

    `status` is that of HTTP, `answer` the parsed JSON object, or None where the body was none;
    `retry_after_s` is told where it is not 0.
    """
    try:
        key, action, cause, fix = classify(status, answer)
    except MemoryError:
        key = _by_status(status, answer)
        action = "fix-settings" if key == "token-refused" else "retry-later"
        cause, fix = explain(key)
    wait = " It asks to wait %s." % duration(retry_after_s) if retry_after_s else ""
    return _CLASSES[action]("%s%s %s %s" % (_told(status, answer), wait, cause, fix), key)


def classify(status, answer):
    """(key, action, cause, fix) of the explanations table, for the arguments of `refusal`."""
    marks = _marks(answer)
    by_status = _by_status(status, answer)
    passes = _passes(status)
    best, found = len(marks), None
    for row in rows(_PARTS):
        if row[0] == by_status and found is None:
            found = row
        if passes and row[5] != "retry-later":
            continue
        for mark in row[2].split("|"):
            if mark in marks[:best]:
                best, found = marks.index(mark), row
    return found[0], found[5], found[6], found[7]


def _by_status(status, answer):
    """The key for an answer without a known number or name."""
    if status == 429:
        return "token-throttled"
    if status >= 500:
        return "token-service-down"
    if answer is None:
        return "token-no-json"
    return "token-missing" if 200 <= status <= 299 else "token-refused"


def _passes(status):
    return status == 429 or status >= 500


def _marks(answer):
    """What the table may know the answer by, as a list of str: the numbers, then the name."""
    marks = []
    numbers = _field(answer, "error_codes", list) or []
    for number in numbers[:_MAX_NUMBERS]:
        if isinstance(number, int) and 0 < number <= _MAX_NUMBER:
            marks.append(str(number))
    number = _number_in(_field(answer, "error_description", str) or "")
    if number:
        marks.append(number)
    name = _field(answer, "error", str)
    if name and len(name) <= _MAX_NAME_CHARACTERS:
        marks.append(name)
    return marks


def _number_in(description):
    """The digits after the first AADSTS, or ""."""
    rest = description[:_KEPT_CHARACTERS].partition("AADSTS")[2]
    digits = 0
    while rest[digits : digits + 1].isdigit():
        digits += 1
    return rest[:digits]


def _told(status, answer):
    """The answer in a sentence: its `error`, and the first sentence of its description."""
    name = _field(answer, "error", str)
    description = _field(answer, "error_description", str)
    if not name and not description:
        return "The sign-in service answered with HTTP status %d." % status
    text = ": ".join(_first_sentence(part) for part in (name, description) if part)
    return 'The sign-in service answered "%s".' % text[:_KEPT_CHARACTERS]


def _first_sentence(text):
    """Its printable characters, bounded; what is not printable becomes `?`."""
    text = shortened(text, _KEPT_CHARACTERS).replace("\r", "\n").split("\n")[0]
    end = text.find(". ")
    text = text[: end + 1] if end > 0 else text
    text = "".join(character if " " <= character <= "~" else "?" for character in text)
    return text[:-1] if text.endswith(".") else text


def _field(answer, name, wanted):
    """The field of the answer if it is of that class, or None: whoever answered may have put anything in."""
    value = answer.get(name) if answer else None
    return value if isinstance(value, wanted) else None
