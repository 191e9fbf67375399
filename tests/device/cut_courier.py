"""The firmware's own way from an alarm to the mail server, for suites that break the connection in between.

The one place of these suites that knows how a courier is made and run. For both runtimes. No pause is waited
for: the clocks jump over it.
"""

import asyncio
import os

from mailmote import compat, courier, event, log, recipients, routes
from mailmote.health import Health
from mailmote.net.link import Link
from mailmote.policy import stored_settings
from mailmote.store.outbox import Outbox

SENDER = "mote@contoso.test"
_MOST_CONNECTIONS = 6  # a cut one, a whole one, and some for what goes wrong
_MOST_PAUSES = 100

log.level = 100


class GaveUp(Exception):
    """The courier would go on for ever."""


class Clock:
    """The firmware's time, which `jump_s` puts forward. `ticks_ms` and `unix_time` are what it follows."""

    def __init__(self, ticks_ms, unix_time):
        self._ticks_ms = ticks_ms
        self._unix_time = unix_time
        self._ahead_s = 0

    def ticks_ms(self):
        return compat.ticks_add(self._ticks_ms(), int(self._ahead_s * 1000))

    def unix_time(self):
        return int(self._unix_time() + self._ahead_s)

    def jump_s(self, seconds):
        self._ahead_s += seconds


class Heartbeat:
    """Nobody watches, and a pause is over at once. `on_idle()` is called when there is nothing left to do."""

    def __init__(self, clock, on_idle):
        self._clock = clock
        self._on_idle = on_idle
        self._pauses = 0

    def beat(self, within_s=0):
        pass

    async def sleep(self, seconds, unless=None):
        self._pauses += 1
        if self._pauses > _MOST_PAUSES:
            raise GaveUp
        self._clock.jump_s(seconds)
        await asyncio.sleep(0)

    async def wait(self, event):
        self._on_idle()


class SignIn:
    """Shows the same credentials always."""

    def __init__(self, credentials):
        self._credentials = credentials

    async def credentials(self, heartbeat):
        return self._credentials

    def identity(self):
        return None

    def accepted(self):
        pass

    def refused(self, error):
        return False


class Attempt:
    """Some alarms for the same recipients, put into the outbox of the working directory and delivered.

    Those of `later` are raised when the second connection is made, or when the first ones are delivered.
    `mail` has option, host, port, tls, auth, and connect_to if need be. `settled` has (name of the alarm,
    recipient, number of the connection): by the outbox the recipient has got it, and that since this
    connection was made. `failures` has the class of each error that left something to do. `connected()` is to
    be called when a connection is made.
    """

    def __init__(self, mail, recipients, alarms, later, credentials, clock):
        self.settled = []
        self.failures = []
        self._recipients = recipients
        self._clock = clock
        self._connections = 0
        _empty("outbox", "refused", "bad", "state")
        self._outbox = Outbox()
        self._numbers = {}
        names = list(alarms) + list(later)
        table = {"from": SENDER, "to": recipients}
        table.update(mail)
        table["auth"] = "none"  # there is no secret store: the credentials are handed over
        self._settings = stored_settings.load(
            {
                "v": stored_settings.VERSION,
                "device": {"name": "mote", "utc_offset_s": 0},
                "mail": table,
                "clock": {"ntp": ["ntp.contoso.test"]},
                "sensors": [],
                "alarms": [{"name": name, "sensor": "freezer", "severity": "critical"} for name in names],
            }
        )
        self._later = later
        self._courier = self._new_courier(credentials)
        for name in alarms:
            self._raise(name)
        self._pending = self._waiting()

    @property
    def waiting(self):
        """The names of the alarms that have not left the outbox."""
        return [self._numbers[number] for number in self._outbox.waiting()]

    def connected(self):
        self._look()
        self._connections += 1
        if self._connections > _MOST_CONNECTIONS:
            raise GaveUp
        if self._connections > 1:
            self._raise_later()

    async def run(self):
        """Until the outbox is empty, or there is no hope of it."""
        try:
            await self._courier.run(Heartbeat(self._clock, self._idle))
        except GaveUp:
            self._look()

    def _new_courier(self, credentials):
        link = Link(None, None)
        health = Noting(link, self.failures)
        ways = routes.Routes(self._settings)
        for way in ways.all:
            way.sign_in = SignIn(credentials)
        return courier.Courier(self._settings, self._outbox, link, health, ways)

    def _raise(self, name):
        at_s = self._clock.unix_time()
        told = event.Event(event.ALARM, event.ABOVE, name, at_s - 60, at_s, -4.0, -15.0, -3.5)
        number = self._outbox.enqueue(told, recipients.recipients_of(self._settings, name))
        self._numbers[number] = name
        self._courier.wake()

    def _raise_later(self):
        names, self._later = self._later, ()
        for name in names:
            self._raise(name)
        self._pending = self._waiting()

    def _idle(self):
        if not self._later:
            raise GaveUp
        self._look()
        self._raise_later()

    def _look(self):
        """What the outbox has let go since the last look belongs to the connection that was made then."""
        before, self._pending = self._pending, self._waiting()
        for name, recipient in before:
            if (name, recipient) not in self._pending:
                self.settled.append((name, recipient, self._connections - 1))

    def _waiting(self):
        """(Name of the alarm, recipient) for all who have neither got it nor been refused."""
        waiting, refused = self._outbox.waiting(), self._outbox.refused()
        found = []
        for number, name in self._numbers.items():
            if number not in waiting and number not in refused:
                continue
            record = self._outbox.peek(number)
            mask = record.pending | record.refused
            found += [(name, one) for index, one in enumerate(self._recipients) if mask & 1 << index]
        return found


class Noting(Health):
    """Notes the class of each failure."""

    def __init__(self, link, failures):
        super().__init__(link)
        self._failures = failures

    def failed(self, error):
        self._failures.append((type(error).__name__, error.key))
        super().failed(error)


def _empty(*folders):
    """Nothing of the attempt before is left."""
    for folder in folders:
        try:
            names = os.listdir(folder)
        except OSError:
            continue  # there was none
        for name in names:
            os.remove(folder + "/" + name)
