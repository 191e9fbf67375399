"""What happened: the one record that alarms make, the outbox keeps and the mail tells."""

ALARM = 0
REMINDER = 1
RECOVERY = 2
TEST = 3  # of nothing but the way of the mail: somebody asked for it
ALIVE = 4  # of nothing: the daily sign of life
CRASH = 5  # of the board itself: it crashed again and again, and has started in safe mode

ABOVE = 0
BELOW = 1
NO_READING = 2
SENSOR_ERROR = 3
SIGN_IN = 4  # of the board itself: it could not renew its sign-in

READINGS_KEPT = 6  # what fits a record of under 128 bytes and shows a trend on a phone

_TITLES = {ALIVE: "Daily sign of life", CRASH: "Safe mode"}


class Event:
    """One thing to tell people.

    `kind` is ALARM, REMINDER or RECOVERY, or one of TEST, ALIVE and CRASH, whose cause means nothing;
    `cause` is ABOVE, BELOW, NO_READING, SENSOR_ERROR or SIGN_IN. `alarm` is the alarm's name in the settings,
    "" for a kind without a cause. `since_s` is when the condition began, `at_s` when the event was raised,
    both in seconds since 1970. `value`, `threshold` and `extreme` (the worst value since `since_s`) are
    floats, or None where the cause has none. `readings` is a tuple of (age_s at at_s, value), oldest first,
    at most READINGS_KEPT. `count` is how many events it stands for, where earlier ones of its alarm were held
    back or merged into it; the first of those was raised at `first_s`.
    """

    __slots__ = (
        "kind",
        "cause",
        "alarm",
        "since_s",
        "at_s",
        "value",
        "threshold",
        "extreme",
        "readings",
        "count",
        "first_s",
    )

    def __init__(
        self,
        kind,
        cause,
        alarm,
        since_s,
        at_s,
        value=None,
        threshold=None,
        extreme=None,
        readings=(),
        count=1,
        first_s=None,
    ):
        self.kind = kind
        self.cause = cause
        self.alarm = alarm
        self.since_s = since_s
        self.at_s = at_s
        self.value = value
        self.threshold = threshold
        self.extreme = extreme
        self.readings = readings
        self.count = count
        self.first_s = at_s if first_s is None else first_s

    @property
    def title(self):
        """What people know it by."""
        return self.alarm or _TITLES.get(self.kind, "Test mail")


def merged(earlier, later):
    """One event in place of two of one alarm: the later one, that stands for both.

    It keeps the worse extreme of the two, where both are of the same threshold.
    """
    extreme = later.extreme
    if earlier.cause == later.cause and earlier.extreme is not None and extreme is not None:
        if later.cause == ABOVE:
            extreme = max(extreme, earlier.extreme)
        elif later.cause == BELOW:
            extreme = min(extreme, earlier.extreme)
    return Event(
        later.kind,
        later.cause,
        later.alarm,
        later.since_s,
        later.at_s,
        later.value,
        later.threshold,
        extreme,
        later.readings,
        earlier.count + later.count,
        min(earlier.first_s, later.first_s),
    )
