"""A mote.toml that is right, with changes, and what the validator tells of it."""

from expect import equal

from mailmote.policy.settings import validate

DRIVERS = {
    "adc": {
        "pin": (int, ..., "the number of the pin"),
        "scale": (float, 1.0, "the quantity that one millivolt stands for"),
        "invert": (bool, False, "upside down"),
        "label": (str, None, "a text"),
    },
    "replay": {"path": (str, ..., "the CSV file")},
}
GONE = "<gone>"
SUBMISSION, DIRECT, RELAY = "client-submission", "direct-send", "smtp-relay"


def at(path):
    """A path as a problem has it: ("alarm", 0, "for") of "alarm.0.for"."""
    return tuple(int(part) if part.isdigit() else part for part in path.split("."))


def where(problem):
    return ".".join(str(part) for part in problem.path)


def document(option="client-submission", changes=()):
    """A settings file that is right, with changes: pairs of a path and its new value, GONE to take it out.

    Client submission signs in with a password.
    """
    built = {
        "device": {"name": "mote-1", "utc_offset": "+01:00"},
        "wifi": {"ssid": "Plant"},
        "mail": {"option": option, "from": "alerts@contoso.com", "to": ["ops@contoso.com"]},
        "sensor": [{"name": "freezer", "driver": "adc", "pin": 34}],
        "alarm": [{"name": "too warm", "sensor": "freezer", "above": -15, "clear": -18.5, "for": "15min"}],
    }
    if option == SUBMISSION:
        built["mail"]["auth"] = "password"
    for path, value in changes:
        path = at(path)
        place = built
        for part in path[:-1]:
            place = place[part]
        if value is GONE:
            del place[path[-1]]
        else:
            place[path[-1]] = value
    return built


def told(option, changes, drivers=DRIVERS):
    return validate(document(option, changes), drivers)


def expect_one(option, changes, path, text, level="error"):
    """One problem of that level at that path, and no other but the warning that every password has."""
    settings, found = told(option, changes)
    found = [one for one in found if one.level == "error" or "December 2026" not in one.text]
    equal(
        [(where(one), one.level) for one in found],
        [(path, level)],
    )
    if text not in found[0].text:
        raise AssertionError("%r is not in %r" % (text, found[0].text))
    equal(settings is None, level == "error")
    return found[0].text
