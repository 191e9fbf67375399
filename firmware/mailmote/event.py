"""What happened: the one record that alarms make, the outbox keeps and the mail tells."""

ALARM = 0
REMINDER = 1
RECOVERY = 2
TEST = 3  # of nothing but the way of the mail: somebody asked for it

ABOVE = 0
BELOW = 1
NO_READING = 2
SENSOR_ERROR = 3
SIGN_IN = 4  # of the board itself: it could not renew its sign-in

READINGS_KEPT = 6  # what fits a record of under 128 bytes and shows a trend on a phone


class Event:
    """One thing to tell people.

    `kind` is ALARM, REMINDER, RECOVERY or TEST, whose cause means nothing; `cause` is ABOVE, BELOW,
    NO_READING, SENSOR_ERROR or SIGN_IN. `alarm` is the alarm's name in the settings, "" for a TEST.
    `since_s` is when the condition began, `at_s` when the event was raised, both in seconds since 1970.
    `value`, `threshold` and `extreme` (the worst value since `since_s`) are floats, or None where the cause
    has none. `readings` is a tuple of (age_s at at_s, value), oldest first, at most READINGS_KEPT.
    """

    __slots__ = ("kind", "cause", "alarm", "since_s", "at_s", "value", "threshold", "extreme", "readings")

    def __init__(
        self, kind, cause, alarm, since_s, at_s, value=None, threshold=None, extreme=None, readings=()
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

    @property
    def title(self):
        """What people know it by."""
        return self.alarm or "Test mail"
