"""What an alert mail says: an event and its surroundings in words, for a person with a phone.

The pieces (`matter`, `headline`, `details`, `readings`, `meaning`) are of one event each, so that a mail
about several can be put together from them. No table is aligned: phones show mail in proportional letters.
"""

from ..civil import duration, rfc5322_date, stamp
from ..event import ABOVE, BELOW, NO_READING, RECOVERY, REMINDER, SENSOR_ERROR, SIGN_IN
from .body import body, prefixed
from .message import Message

_SIDES = {ABOVE: ("above", "below"), BELOW: ("below", "above")}

_CHECK_THING = "Check what is measured first. If all is well there, check the sensor and its cable."
_CHECK_SENSOR = (
    "Check what is measured yourself. Then check the power and the cable of the sensor, and its settings."
)

_MEANINGS = {
    ABOVE: ("The value went over its limit and has not come back since.", _CHECK_THING),
    BELOW: ("The value went under its limit and has not come back since.", _CHECK_THING),
    NO_READING: (
        "The board runs and can mail, but its sensor is silent: nobody watches this value now.",
        _CHECK_SENSOR,
    ),
    SENSOR_ERROR: (
        "The board runs and can mail, but cannot read its sensor: nobody watches this value now.",
        _CHECK_SENSOR,
    ),
    SIGN_IN: (
        "Microsoft ends a sign-in that is not renewed for 90 days. The board then cannot mail any more.",
        "See the note below for what went wrong. If it does not pass by itself, sign the board in again.",
    ),
}


class About:
    """What the mail tells beside the event, for one alarm of one device.

    `sender` and `reply_to` are addresses, `to` and `cc` sequences of them. Spans (`_s`) are seconds, 0 where
    there is none; `clear` is in the unit of the sensor, or None. `notes` are lines that people should know
    though they did not ask: a recipient refused, alerts dropped.
    """

    def __init__(
        self,
        device,
        sensor,
        sender,
        to,
        cc=(),
        reply_to=None,
        subject_prefix="",
        site="",
        unit="",
        utc_offset_s=0,
        severity="",
        every_s=0,
        for_s=0,
        clear=None,
        repeat_every_s=0,
        notes=(),
    ):
        self.device = device
        self.sensor = sensor
        self.sender = sender
        self.to = to
        self.cc = cc
        self.reply_to = reply_to
        self.subject_prefix = subject_prefix
        self.site = site
        self.unit = unit
        self.utc_offset_s = utc_offset_s
        self.severity = severity
        self.every_s = every_s
        self.for_s = for_s
        self.clear = clear
        self.repeat_every_s = repeat_every_s
        self.notes = notes


def compose(event, about, message_id, health_lines=()):
    """The Message for one Event. `message_id` goes without angle brackets and is the event's own for good.

    `health_lines` is an iterable, read once: a mail that is measured and then sent has to say the same twice.
    Raises SettingsError where a name or an address cannot stand in a header.
    """
    health_lines = tuple(health_lines)
    return Message(
        (about.device, about.sender),
        about.to,
        subject(event, about),
        message_id,
        rfc5322_date(event.at_s, about.utc_offset_s),
        lambda: _body(event, about, health_lines),
        about.cc,
        about.reply_to,
        urgent(event, about),
    )


def urgent(event, about):
    """Whether a mail with it is marked as important."""
    return about.severity == "critical" and event.kind != RECOVERY


def subject(event, about):
    """Device first, then the alarm and the value, so that a phone's short list tells what matters."""
    return prefixed("%s: %s" % (about.device, matter(event, about)), about)


def matter(event, about):
    """What happened, in few words."""
    lasted = duration(event.at_s - event.since_s)
    reading = quantity(event.value, about.unit)
    if event.kind == RECOVERY:
        # A sensor that is back may well be back with a bad value.
        again = "OK again" if event.cause in _SIDES else "%s is read again" % about.sensor
        return "%s, %s (%s)" % (again, reading, event.alarm)
    if event.cause == NO_READING:
        return "no reading from %s for %s (%s)" % (about.sensor, lasted, event.alarm)
    if event.cause == SENSOR_ERROR:
        return "sensor %s failing for %s (%s)" % (about.sensor, lasted, event.alarm)
    if event.cause == SIGN_IN:
        return "the sign-in to the mail server was not renewed"
    if event.kind == REMINDER:
        return "%s for %s, %s" % (event.alarm, lasted, reading)
    return "%s %s" % (event.alarm, reading)


def headline(event, about):
    """One sentence: what happened."""
    reading = quantity(event.value, about.unit)
    if event.kind == RECOVERY:
        over = "is over" if event.cause in _SIDES else "is watched again"
        return "%s %s: %s is at %s." % (event.alarm, over, about.sensor, reading)
    if event.cause == NO_READING:
        return "%s cannot be watched: %s gives no reading." % (event.alarm, about.sensor)
    if event.cause == SENSOR_ERROR:
        return "%s cannot be watched: %s cannot be read." % (event.alarm, about.sensor)
    if event.cause == SIGN_IN:
        return "The board could not renew its sign-in to the mail server."
    still = "still " if event.kind == REMINDER else ""
    side = _SIDES[event.cause][0]
    limit = quantity(event.threshold, about.unit)
    return "%s: %s is %sat %s, %s the limit of %s." % (event.alarm, about.sensor, still, reading, side, limit)


def details(event, about):
    """Lines: where, since when, by which rule, and the worst of it."""
    yield "Where: %s" % (("%s, %s" % (about.device, about.site)) if about.site else about.device)
    if event.cause != SIGN_IN:
        every = ", read every %s" % duration(about.every_s) if about.every_s else ""
        yield "Sensor: %s%s" % (about.sensor, every)
    if about.severity:
        yield "Severity: %s" % about.severity
    since = stamp(event.since_s, about.utc_offset_s)
    lasted_s = event.at_s - event.since_s
    until = stamp(event.at_s, about.utc_offset_s) + (", after %s" % duration(lasted_s) if lasted_s else "")
    yield ("Began: %s" if event.kind == RECOVERY else "Since: %s") % since
    yield ("Over: %s" if event.kind == RECOVERY else "Told: %s") % until
    if event.cause in _SIDES:
        yield _rule(event, about)
    if event.extreme is not None:
        yield "Worst: %s" % quantity(event.extreme, about.unit)
    if event.count > 1:
        yield changes(event, about)


def changes(event, about):
    """How many events this one stands for."""
    return "Changed: %d times since %s; this is how it ended" % (
        event.count,
        stamp(event.first_s, about.utc_offset_s),
    )


def readings(event, about):
    """Lines: the last readings with their local times, oldest first."""
    for age_s, value in event.readings:
        yield "%s  %s" % (stamp(event.at_s - age_s, about.utc_offset_s), quantity(value, about.unit))


def meaning(event):
    """Lines: what it means, and what to do."""
    if event.kind == RECOVERY:
        yield "No need to act. If this comes and goes, look for its cause all the same."
        return
    yield from _MEANINGS[event.cause]


def quantity(value, unit):
    """`43.1 C`: a number with its unit; `no value` for None."""
    if value is None:
        return "no value"
    return "%s %s" % (number(value), unit) if unit else number(value)


def number(value):
    """Four digits, or all of a larger whole number: an ESP32's float holds seven, a person reads four."""
    if 1000 <= abs(value) < 10000000:
        return "%.0f" % value
    return "%.4g" % (value + 0.0)  # -0.0 becomes 0


def _rule(event, about):
    side, other = _SIDES[event.cause]
    text = "Limit: %s %s" % (side, quantity(event.threshold, about.unit))
    if about.for_s:
        text += " for %s" % duration(about.for_s)
    if about.clear is not None:
        text += ", over when %s %s" % (other, quantity(about.clear, about.unit))
    return text


def _body(event, about, health_lines):
    last = ""
    if about.repeat_every_s and event.kind != RECOVERY:
        last = "It is told again every %s until it is over.\n" % duration(about.repeat_every_s)
    if event.cause != SIGN_IN:
        last += 'To change or silence it, edit the alarm "%s" in the mote.toml of this device ' % event.alarm
        last += "and load it onto the board.\n"
    paragraphs = (
        ("", details(event, about)),
        ("Last readings:", readings(event, about)),
        ("What it means:", meaning(event)),
    )
    return body(headline(event, about), paragraphs, about, health_lines, last)
