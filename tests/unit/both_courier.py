"""What the courier makes of results: the server is a list of what it says to each mail."""

import asyncio

from expect import equal

from mailmote import courier, errors, event, log
from mailmote.health import Health
from mailmote.store import record

SETTINGS = {
    "device": {"name": "mote", "utc_offset_s": 0},
    "mail": {"from": "mote@contoso.test", "to": ["a@contoso.test", "b@contoso.test"], "auth": "none"},
    "sensors": [],
    "alarms": [{"name": "to one", "to": ["c@fabrikam.test"], "sensor": "x", "severity": "info"}],
}


class Link:
    def rssi(self):
        return None


class Box:
    """An outbox in memory; `failing` makes that many changes fail."""

    bad = 0

    def __init__(self, *names):
        self.records = {}
        self.refused = []
        self.failing = 0
        for number, name in enumerate(names):
            one = event.Event(event.ALARM, event.NO_READING, name, 0, 60)
            to = courier.recipients_of(SETTINGS, name)
            self.records[number + 1] = record.Record(one, number, record.recipients_crc(to))

    def __len__(self):
        return len(self.records)

    def waiting(self):
        return tuple(sorted(self.records))

    def load(self, number):
        return record.decode(record.encode(self.records[number]))

    def update(self, number, changed):
        self._change()
        self.records[number] = changed

    def close(self, number, last):
        self._change()
        if last.refused:
            self.refused.append(number)
        del self.records[number]

    def _change(self):
        if self.failing:
            self.failing -= 1
            raise errors.StorageError("planned")


class Server:
    """Stands for Session: `says` maps an address to a result; who got a mail is in `mails`."""

    def __init__(self, says):
        self.says = says
        self.mails = []

    def __call__(self, *arguments):
        return self

    async def open(self):
        if "open" in self.says:
            raise self.says["open"]

    async def send(self, sender, to, message):
        self.mails.append(tuple(to))
        return [self.says.get(address) for address in to]

    async def close(self):
        pass


def rounds(box, says, count=1):
    """Deliver `count` times; (server, courier, what each was left with)."""
    server = Server(says)
    before, courier.Session, level, log.level = courier.Session, server, log.level, 100
    try:
        one = courier.Courier(SETTINGS, box, Link(), Health(Link()))
        left = [asyncio.run(one._deliver(None)) for _ in range(count)]
    finally:
        courier.Session, log.level = before, level
    return server, one, left


BUSY = errors.RetryLater("busy", "server-busy")
DENIED = errors.FixSettings("denied", "relay-denied")
NOBODY = errors.GiveUp("unknown", "unknown-recipient")
ODD = errors.GiveUp("no", "recipient-refused")


def test_a_recipient_that_is_denied_does_not_stand_in_the_way_of_other_alerts():
    box = Box("to one", "to all", "to all")
    server, _, left = rounds(box, {"c@fabrikam.test": DENIED})
    equal((sorted(box.records), left), ([1], [DENIED]))
    equal(server.mails.count(("a@contoso.test", "b@contoso.test")), 2)


def test_two_alerts_in_a_row_that_nobody_gets_end_the_connection():
    box = Box("to all", "to all", "to all", "to all")
    server, _, left = rounds(box, {"a@contoso.test": BUSY, "b@contoso.test": BUSY})
    equal((len(server.mails), len(box), left), (2, 4, [BUSY]))


def test_what_was_tried_least_comes_first():
    box = Box("to one", "to one", "to all")
    server, _, _ = rounds(box, {"c@fabrikam.test": BUSY}, 2)
    equal(server.mails[2], ("a@contoso.test", "b@contoso.test"))


def test_who_was_delivered_and_who_was_refused_is_not_asked_again():
    box = Box("to all")
    server, one, left = rounds(box, {"a@contoso.test": BUSY, "b@contoso.test": NOBODY}, 2)
    equal(server.mails, [("a@contoso.test", "b@contoso.test"), ("a@contoso.test",)])
    server, _, left = rounds(box, {})
    equal((server.mails, left, box.refused), ([("a@contoso.test",)], [None], [1]))


def test_a_flash_that_fails_after_the_delivery_makes_no_second_mail():
    box = Box("to all")
    box.failing = 3
    server, one, left = rounds(box, {}, 5)
    equal((len(server.mails), len(box), left[3:]), (1, 0, [None, None]))
    equal([type(error) for error in left[:3]], [errors.StorageError] * 3)


def test_an_alert_that_everybody_refuses_for_no_known_reason_is_kept():
    box = Box("to all")
    _, _, left = rounds(box, {"a@contoso.test": ODD, "b@contoso.test": ODD})
    equal((len(box), type(left[0]), box.refused), (1, errors.FixSettings, []))
    _, _, left = rounds(box, {"a@contoso.test": ODD})
    equal((len(box), left, box.refused), (0, [None], [1]))


def test_an_alert_that_everybody_refuses_for_a_known_reason_is_set_aside():
    box = Box("to all")
    _, _, left = rounds(box, {"a@contoso.test": NOBODY, "b@contoso.test": NOBODY})
    equal((len(box), left, box.refused), (0, [None], [1]))


def test_notes_stay_until_a_mail_has_told_them():
    _, one, _ = rounds(Box("to all"), {"a@contoso.test": NOBODY})
    equal([note[:14] for note in one._health.notes], ["a@contoso.test"])
    one._health.delivered(("another",))
    equal(len(one._health.notes), 1)
    one._health.delivered(tuple(one._health.notes))
    equal((one._health.notes, one._health.mails, one._health.refused), ([], 3, 1))


def test_an_alert_whose_recipients_changed_goes_to_all_of_the_new_ones():
    box = Box("to all")
    box.records[1].recipients_crc ^= 1
    box.records[1].pending = 0b01
    server, _, _ = rounds(box, {})
    equal(server.mails, [("a@contoso.test", "b@contoso.test")])


def test_what_fails_at_the_opening_sends_nothing_and_is_told_apart():
    box = Box("to all")
    server, one, left = rounds(box, {"open": DENIED})
    equal((server.mails, left, one._opened), ([], [DENIED], False))
    _, one, _ = rounds(box, {"a@contoso.test": BUSY})
    equal(one._opened, True)
