"""What the people outside know of a board's alerts, and what is wrong with what they see of it.

An alert is known by its serial number, which is in each field of its event; a record that stands for several
is known by the numbers of all of them. Runs on MicroPython.
"""

from mailmote import event
from mailmote.recipients import recipients_of

ALARMS = ("Freezer too warm", "Door open", "Pump silent")
SETTINGS = {
    "device": {"name": "mote", "utc_offset_s": 0},
    "mail": {"to": ["a@contoso.test", "b@contoso.test"], "cc": ["c@contoso.test"]},
    "alarms": [
        {"name": ALARMS[0], "sensor": "t"},
        {"name": ALARMS[1], "sensor": "d"},
        {"name": ALARMS[2], "sensor": "p", "to": ["d@contoso.test", "a@contoso.test"]},
    ],
    "limits": {"digest_after_s": 900},
    "retry": {"expire_after_s": 0},
}

LOST, CORRUPT, CAME_BACK, STUCK = "lost", "corrupt", "came back", "stuck"
"""Kinds of faults: an alert or a value is gone; something is there that was never written; mail is repeated
that was over, or repeated as another mail; the board does not start, or does not work any more."""

_FIRST_S = 1700000000


class Fault(Exception):
    """`kind` is one of those above."""

    def __init__(self, kind, text):
        super().__init__(text)
        self.kind = kind


def raised(serial, alarm):
    """The event with this number."""
    readings = tuple((4 * age, float(serial + age)) for age in range(serial % (event.READINGS_KEPT + 1)))
    at_s = _FIRST_S + serial
    extreme = serial + 0.25
    return event.Event(event.ALARM, event.ABOVE, alarm, at_s - 1, at_s, float(serial), 0.5, extreme, readings)


class World:
    """What was promised and what was received, up to now.

    What stands for an alert and one of its recipients is the pair of its serial number and their address.
    """

    def __init__(self, of=None):
        self.serial = of.serial if of else 0
        self.alarms = dict(of.alarms) if of else {}  # of each serial number
        self.kept = set(of.kept) if of else set()  # for which `enqueue` returned
        self.holds = dict(of.holds) if of else {}  # number of a record: the serial numbers it stands for
        self.received = dict(of.received) if of else {}  # pair: (times, identity of the mail)
        self.refused = set(of.refused) if of else set()  # pairs
        self.may_repeat = dict(of.may_repeat) if of else {}  # pair: times that it was in flight at a cut
        self.in_flight = set(of.in_flight) if of else set()  # pairs
        self.mails = dict(of.mails) if of else {}  # (identity, address): serial numbers
        self.values = dict(of.values) if of else {}  # name of a token or number: what may be read
        self.last_refused = of.last_refused if of else None  # number of a record
        self.repeats = 0  # mails that came more than once, as they may
        self.seen = {}  # what was done: times

    def copy(self):
        """It goes on by itself; what it counts begins at 0."""
        return World(self)

    def saw(self, what, times=1):
        self.seen[what] = self.seen.get(what, 0) + times

    def next_event(self, choice):
        self.serial += 1
        self.alarms[self.serial] = ALARMS[choice % len(ALARMS)]
        return raised(self.serial, self.alarms[self.serial])

    def recognise(self, found):
        """`found` has the Record of each number that waits. Raises Fault for one that nobody wrote."""
        holds = {}
        for number, record in found.items():
            last = self._checked(number, record.event)
            if record.event.count == 1:
                holds[number] = (last,)
            elif len(self.holds.get(number, ())) == record.event.count:
                holds[number] = self.holds[number]
        for number, record in found.items():
            if number not in holds:
                holds[number] = self._merged(number, record.event, holds)
        self.holds = holds

    def _checked(self, number, one):
        """The serial number of the last alert that a record stands for: what it says is of that one."""
        serial = one.at_s - _FIRST_S
        if serial not in self.alarms:
            raise Fault(CORRUPT, "record %d is of no alert" % number)
        was = raised(serial, self.alarms[serial])
        for name in ("kind", "cause", "alarm", "since_s", "value", "threshold", "extreme", "readings"):
            if getattr(one, name) != getattr(was, name):
                raise Fault(CORRUPT, "record %d is not alert %d as it was: %s" % (number, serial, name))
        return serial

    def _merged(self, number, one, unchanged):
        """The serial numbers of a record that stands for more than it did: those of others together."""
        of_alarm = {n: held for n, held in self.holds.items() if self.alarms[held[0]] == one.alarm}
        gone = [held for n, held in of_alarm.items() if n not in unchanged]
        there = [held for n, held in of_alarm.items() if n in unchanged]
        wanted = one.count, one.first_s - _FIRST_S, one.at_s - _FIRST_S
        found = _together(gone, wanted) or _together(gone + there, wanted)
        if found is None:
            raise Fault(CORRUPT, "record %d stands for %d alerts, %d to %d" % ((number,) + wanted))
        return found

    def sent(self, serials, address, identity):
        """A mail was accepted for somebody by a complete final reply. Raises Fault if that is wrong."""
        told = self.mails.setdefault((identity, address), serials)
        if not set(serials) <= set(
            told
        ):  # a mailbox may throw the second one away, for it looks like the first
            raise Fault(LOST, "one mail tells %s, and then %s" % (told, serials))
        for serial in serials:
            pair = serial, address
            times, before = self.received.get(pair, (0, identity))
            self.received[pair] = times + 1, identity
            self.repeats += times > 0
            if times > self.may_repeat.get(pair, 0):
                raise Fault(CAME_BACK, "alert %d came to %s again" % pair)
            if before != identity:
                raise Fault(CAME_BACK, "alert %d came to %s again, by another mail" % pair)
            self.in_flight.add(pair)

    def settled(self):
        """The board has written down the results of its last mail."""
        self.in_flight = set()

    def unheard(self):
        """The power, or the connection, was cut: what is in flight may come once more."""
        for pair in self.in_flight:
            self.may_repeat[pair] = self.may_repeat.get(pair, 0) + 1
        self.in_flight = set()

    def missing(self):
        """What was promised and neither received nor refused, in words, or None."""
        for serial in sorted(self.kept):
            for address in recipients_of(SETTINGS, self.alarms[serial]):
                if (serial, address) not in self.received and (serial, address) not in self.refused:
                    return "alert %d never came to %s" % (serial, address)
        return None


def _together(parts, wanted):
    """Some of the parts that make up (how many, first, last), as one; None where none do."""
    for chosen in range(1 << len(parts)):
        union = set()
        for index, part in enumerate(parts):
            if chosen & 1 << index:
                union.update(part)
        if (len(union), min(union or (0,)), max(union or (0,))) == wanted:
            return tuple(sorted(union))
    return None
