"""What the courier works with, in memory: an outbox, a link, a sign-in, a server as a list of answers."""

import asyncio

from expect import equal

from mailmote import courier, dispatch, errors, event, log, recipients, routes
from mailmote.allowance import PACKED_BYTES
from mailmote.health import Health
from mailmote.store import record

SETTINGS = {
    "device": {"name": "mote", "utc_offset_s": 0},
    "mail": {"from": "mote@contoso.test", "to": ["a@contoso.test", "b@contoso.test"], "auth": "none"},
    "fallbacks": [],
    "retry": {"first_s": 60, "cap_s": 3600, "expire_after_s": 0},
    "limits": {"mailbox_share": 1.0, "recipients_per_day": 10000, "digest_after_s": 900},
    "sensors": [],
    "alarms": [{"name": "to one", "to": ["c@fabrikam.test"], "sensor": "x", "severity": "info"}],
}


class Link:
    """`waited` counts how often it was waited for."""

    up = False

    def __init__(self):
        self.waited = self.renewed = 0

    def rssi(self):
        return None

    def renew(self):
        self.renewed += 1

    async def wait_up(self, heartbeat):
        self.waited += 1


class Box:
    """An outbox in memory; `failing` makes that many changes fail."""

    bad = 0
    merged = 0

    def __init__(self, *names):
        self.records = {}
        self.refused = []
        self.said = {}
        self.were_told = []
        self.failing = 0
        self.oldest_found = self.newest_found = 0
        self.updates = 0
        for name in names:
            self.put(event.Event(event.ALARM, event.NO_READING, name, 0, 60))

    def put(self, one, dated=True):
        number = max([0] + list(self.records)) + 1
        to = recipients.recipients_of(SETTINGS, one.alarm)
        self.records[number] = record.Record(one, number, record.recipients_crc(to), dated=dated)

    def __len__(self):
        return len(self.records)

    def waiting(self):
        return tuple(sorted(self.records))

    def newest(self, kind):
        return max([number for number, one in self.records.items() if one.event.kind == kind] or [0]) or None

    def load(self, number):
        return record.decode(record.encode(self.records[number]))

    def peek(self, number):
        return self.load(number) if number in self.records else None

    def update(self, number, changed):
        self._change()
        self.updates += 1
        self.records[number] = changed

    def close(self, number, last):
        self._change()
        if last.refused:
            self.refused.append(number)
        del self.records[number]

    def keep_reply(self, number, text):
        self.said[number] = text

    def untold(self):
        return list(self.said)

    def replies(self, number):
        return [self.said[number]]

    def told(self, numbers):
        self.were_told += numbers

    def _change(self):
        if self.failing:
            self.failing -= 1
            raise errors.StorageError("planned")


class SignIn:
    """Nobody signs in; `stale` is the error after which a new token is worth a try."""

    stale = None

    def __init__(self, mail=None):
        self.accepted_count = 0

    async def credentials(self, heartbeat):
        return None

    def identity(self):
        return None

    def accepted(self):
        self.accepted_count += 1

    def refused(self, error):
        return error is self.stale


class Server:
    """Stands for Session: `says` maps an address to a result.

    Who got a mail is in `mails`, its text in `texts`, and who was dialled in `hosts`.
    """

    secure = False

    def __init__(self, says):
        self.says = says
        self.mails = []
        self.texts = []
        self.hosts = []

    def __call__(self, name, mail, *arguments):
        self.hosts.append(mail.get("host"))
        return self

    async def open(self):
        if "open" in self.says:
            raise self.says["open"]

    async def send(self, sender, to, message):
        self.mails.append(tuple(to))
        message.measure(True)
        self.texts.append(b"".join(message.chunks()).decode())
        return [self.says.get(address) for address in to]

    async def close(self):
        pass


class Opening(Server):
    """Raises the next of `errors` at each opening; with None, or without any left, it opens."""

    def __init__(self, *errors):
        Server.__init__(self, {})
        self.errors = list(errors)
        self.opened = 0
        self.closed = 0

    async def open(self):
        self.opened += 1
        error = self.errors.pop(0) if self.errors else None
        if error:
            raise error

    async def close(self):
        self.closed += 1


class Free:
    """An allowance without limits, but `waits`: the seconds it wants before each mail."""

    def __init__(self, settings=None, uptime_s=None):
        self.waits = []
        self.told = []

    def wait_s(self, recipients=1):
        return self.waits.pop(0) if self.waits else 0

    def used_up(self, recipients=1):
        return False

    def began(self, recipients):
        self.told.append(recipients)

    def judge(self, errors, took_s):
        self.told.append(tuple(errors))

    def outage(self):
        self.told.append("outage")

    def hurry(self):
        self.told.append("hurry")

    def clock_moved(self, by_s):
        pass

    def pack(self):
        return bytes(PACKED_BYTES)

    def unpack(self, data):
        equal(data, bytes(PACKED_BYTES))


class End(Exception):
    """Enough turns."""


class Chance:
    """`random` at its most."""

    def random(self):
        return 1.0


class Heartbeat:
    """Sleeps no time, but counts it. Ends the run at the `turns`-th rest; `on_rest(count)` happens then."""

    def __init__(self, turns=1000, on_rest=None):
        self._turns = turns
        self._on_rest = on_rest
        self.rests = []
        self.courier = None
        self.now_s = 0

    def beat(self, within_s=0):
        pass

    async def sleep(self, seconds, unless=None):
        """Notes how long, and whether a new alert would end it; what a person asks for always does."""
        if not seconds:
            return
        if unless is None:
            self.now_s += seconds
            self._rest(seconds)
            return
        equal((unless in (self.courier._arrived, self.courier._asked), unless.is_set()), (True, False))
        self._rest((seconds, unless is self.courier._arrived))
        if not unless.is_set():
            self.now_s += seconds

    async def wait(self, event):
        equal(event.is_set(), False)
        self._rest("idle")

    def _rest(self, how):
        self.rests.append(how)
        if self._on_rest:
            self._on_rest(len(self.rests))
        if len(self.rests) == self._turns:
            raise End


def made(box, settings=SETTINGS, heartbeat=None, sign_in=SignIn, allowance=Free):
    """A courier of such parts; its time is that of the heartbeat."""
    before = routes.sign_in.of, courier.Allowance
    routes.sign_in.of, courier.Allowance = sign_in, allowance
    health = Health(Link())
    if heartbeat:
        health.uptime_s = lambda: heartbeat.now_s
    try:
        one = courier.Courier(settings, box, Link(), health, routes.Routes(settings))
    finally:
        routes.sign_in.of, courier.Allowance = before
    if heartbeat:
        heartbeat.courier = one
    return one


def with_server(server, act):
    """Call `act` where `server` is every server, and chance is at its most."""
    before = dispatch.Session, routes.random, log.level
    dispatch.Session, routes.random, log.level = server, Chance(), 100
    try:
        return act()
    finally:
        dispatch.Session, routes.random, log.level = before


def deliver(one, server):
    """What a delivery over the first route leaves."""
    return with_server(server, lambda: asyncio.run(one._deliver(one._routes.all[0], Heartbeat()))[0])


def rounds(box, says, count=1):
    """Deliver `count` times; (server, courier, what each was left with)."""
    server = Server(says)
    one = made(box)
    return server, one, [deliver(one, server) for _ in range(count)]


def run(box, server, heartbeat, settings=SETTINGS, sign_in=SignIn, allowance=Free):
    """The courier's own loop, to the end of the heartbeat's turns; the courier."""

    def act():
        one = made(box, settings, heartbeat, sign_in, allowance)
        one.wake()
        try:  # noqa: SIM105 - MicroPython has no contextlib
            asyncio.run(one.run(heartbeat))
        except End:
            pass
        return one

    return with_server(server, act)


BUSY = errors.RetryLater("busy", "server-busy")
DENIED = errors.FixSettings("denied", "relay-denied")
NOBODY = errors.GiveUp("unknown", "unknown-recipient")
ODD = errors.GiveUp("no", "recipient-refused")
NOW = errors.RetryNow("idle", "idle")
STALE = errors.FixSettings("the token was refused", "bad-token")
