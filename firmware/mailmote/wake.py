"""One wake of a board that runs on a battery, from its reset to the next deep sleep.

It samples each sensor that is due, lets the alarms decide, and goes on the network only if an alert waits and
may be tried, or the clock, the sign-in or the daily sign of life is due. The flash is written only when there
is something to tell. An event is in the outbox before RTC memory says that it was told: what happens in
between tells it twice, and never not at all. A loss of power costs a hold that had begun; what waits is found
in the outbox.

After anything but deep sleep the board stays awake for a while and listens, so that `mailmote provision`
finds it.
"""

import asyncio

from . import compat, event, log
from .compat import const
from .crashes import text as crash_text
from .errors import StorageError
from .health import Health
from .net import clock
from .policy.alarms import Alarm
from .policy.asleep import DAY_S, Asleep, is_due, pack
from .store import rtc, state
from .supervisor import Supervisor
from .watcher import Watcher
from .wifi import link_of

_EARLY_S = const(2)  # a sensor that is due so soon is asked now: the clock of deep sleep is not that exact
_LINK_S = const(30)  # association and DHCP
_WAKE_S = const(300)  # what is not done by then is tried again later
_LISTEN_S = 10
_CLOCK_EARLY_S = DAY_S // 2  # with the network there anyway, the clock is set before it is due
_CLOCK_RETRY_S = const(900)
_MOST_DOUBLINGS = const(6)
_NEVER_USED_S = 365 * DAY_S  # a sign-in that never was used is due in 1970
_LONGEST_PAUSE_S = 5 * 3600  # the courier's are up to four hours
# What is kept of each alarm: readings, and whether it flaps. The less, the more alarms there is room for.
_ALL = (3, True)
_DETAILS = (_ALL, (2, True), (1, True), (0, True))
_LEAST = (0, False)


class Wake:
    """`asleep`: what the board knew while it slept, None where that is lost. `powered`: it has not slept."""

    def __init__(self, settings, asleep, fingerprint, powered):
        self._settings = settings
        self._fresh = asleep is None
        self._asleep = asleep or Asleep(len(settings["sensors"]))
        self._fingerprint = fingerprint
        self._powered = powered
        self._awake = compat.Stopwatch()
        self._link = link_of(settings.get("wifi"))
        self._health = health = Health(self._link)
        health.before_s = max(clock.now_s() - asleep.began_s, 0) if asleep else 0
        health.mails, health.retries, health.refused, health.dropped = self._asleep.counts
        self._told = []
        self._stored = False  # whether there is a new alert
        self._watchers = []
        for entry, kept in zip(settings["sensors"], self._asleep.alarms):
            self._watchers.append(self._watcher(entry, kept))
        health.watchers = self._watchers
        health.last_crash = crash_text
        self._outbox = None
        self._errand = None
        self._console = None
        self._crashes = None
        self._supervisor = None
        self._link_up = None  # whether it is, once it was tried
        self._error = None

    async def run(self, dog, crashes=None):
        """Seconds to sleep, feeding the watchdog `dog` until then; 0 where the board cannot sleep.

        Raises whatever went wrong.
        """
        ended = asyncio.Event()
        self._crashes = crashes
        self._supervisor = Supervisor(dog, crashes)

        async def work(heartbeat):
            try:
                await self._work(heartbeat)
            except Exception as error:
                self._error = error
            ended.set()

        self._supervisor.start("wake", work)
        await self._supervisor.watch(ended)
        if self._error:
            raise self._error
        if not self._remember():
            log.error(
                "battery", "There are too many alarms to remember in deep sleep: the board stays awake."
            )
            return 0
        return min(max(self._asleep.next_s() - clock.now_s(), 1), DAY_S)  # deepsleep(0) would be for ever

    async def _work(self, heartbeat):
        clock.begin(state.read(clock.FLOOR), self._settings["clock"]["ntp"], self._asleep.clock_sure)
        if self._fresh:
            self._asleep.began_s = clock.now_s()
        if self._powered:
            self._listen()
        if self._fresh or self._asleep.waiting:
            self._open_outbox()
        if (self._fresh or not clock.is_set()) and self._is_clock_due():
            await self._go_online(heartbeat)  # first, as an alarm tells its time
        alive = self._is_sign_of_life_due()
        self._sample(alive)
        if alive:
            self._give_sign_of_life()
        if self._stored:
            self._remember()
        await self._go_about(heartbeat)
        if self._powered:
            await self._stay(heartbeat)

    def _watcher(self, entry, kept):
        alarms = [Alarm(alarm) for alarm in self._settings["alarms"] if alarm["sensor"] == entry["name"]]
        per_hour = self._settings["limits"]["changes_per_hour"]
        watcher = Watcher(entry, alarms, self._told.extend, self._health, per_hour)
        if kept:
            watcher.unpack(kept)
        return watcher

    def _sample(self, everyone):
        """Ask the sensors that are due, or `everyone`. What the flash refuses is raised again later."""
        now_s = clock.now_s()
        due_s = self._asleep.due_s
        for index, entry in enumerate(self._settings["sensors"]):
            watcher = self._watchers[index]
            before = watcher.pack(*_ALL)
            every_s = entry["every_s"]
            due = is_due(due_s[index] - _EARLY_S, now_s, every_s)
            if due or everyone:
                watcher.sample(now_s)
            if due:
                next_s = due_s[index] + every_s
                due_s[index] = now_s + every_s if is_due(next_s, now_s, every_s + _EARLY_S) else next_s
            watcher.tick(now_s)
            if not self._store():
                self._watchers[index] = self._watcher(entry, before)

    def _is_sign_of_life_due(self):
        """Daily, where it is wanted, once the board knows what time it is."""
        wanted = self._settings.get("alive") and clock.is_set()
        return bool(wanted) and is_due(self._asleep.alive_s, clock.now_s(), DAY_S)

    def _give_sign_of_life(self):
        from .alive import Alive

        alive = Alive(self._settings, self._open_outbox())
        one = alive.event()
        if one:
            self._told.append(one)
            self._store()
        self._asleep.alive_s = clock.now_s() + (alive.due_in_s() or DAY_S)

    def _store(self):
        """Put what is told into the outbox. False where the flash refuses it."""
        if not self._told:
            return True
        from .recipients import recipients_of

        outbox = self._open_outbox()
        try:
            for one in self._told:
                outbox.enqueue(one, recipients_of(self._settings, one.alarm), clock.is_sure())
                log.info("battery", 'Alert "%s" is in the outbox.', one.title)
        except StorageError as error:
            log.error("battery", "An alert is not stored, and is to be raised again: %s", error)
            return False
        finally:
            self._told.clear()
            self._stored = True
            self._asleep.waiting = len(outbox)
        return True

    def _open_outbox(self):
        if self._outbox is None:
            from .store.outbox import Outbox

            self._outbox = Outbox()
            self._asleep.waiting = len(self._open_outbox())
        return self._outbox

    def _open_errand(self):
        if self._errand is None:
            from .errand import Errand

            outbox, kept = self._open_outbox(), self._asleep.courier
            self._errand = Errand(self._settings, outbox, self._link, self._health, kept)
        return self._errand

    async def _go_about(self, heartbeat):
        """Whatever needs the network, if anything does."""
        asleep = self._asleep
        hurry = self._stored and asleep.reached
        mail = asleep.waiting and (hurry or is_due(asleep.try_s, clock.now_s(), _LONGEST_PAUSE_S))
        if self._fresh:
            asleep.renew_s = self._open_errand().renewal_s()
        if mail or self._is_clock_due() or self._is_renewal_due():
            await self._go_online(heartbeat)
        if mail:
            await self._deliver(heartbeat, hurry)
        if self._is_renewal_due():
            await self._renew(heartbeat)

    async def _go_online(self, heartbeat):
        """Bring the link up, waited for once in a wake, and set the clock if that is due."""
        if self._link_up is None:
            self._supervisor.start("link", self._link.keep)
            for _ in range(_LINK_S):
                if self._link.up:
                    break
                await heartbeat.sleep(1)
        self._link_up = self._link.up
        asleep = self._asleep
        if not self._is_clock_due(_CLOCK_EARLY_S):
            return
        heartbeat.beat(_LINK_S)
        if asleep.courier and self._link_up:
            self._open_errand()  # what its courier keeps is by the clock as it is now
        moved_s = clock.ask() if self._link_up else None
        if moved_s is not None:
            asleep.clock_moved(moved_s)
            for watcher in self._watchers:
                watcher.clock_moved(moved_s)
            if self._errand:
                self._errand.courier.clock_moved(moved_s)
                asleep.courier = self._errand.courier.pack()
            asleep.clock_failures, asleep.clock_sure = 0, True
            asleep.clock_s = clock.now_s() + DAY_S
        elif self._is_clock_due():
            pause_s = DAY_S
            if not asleep.clock_sure:
                pause_s = _CLOCK_RETRY_S << min(asleep.clock_failures, _MOST_DOUBLINGS)
            asleep.clock_failures += 1
            asleep.clock_s = clock.now_s() + pause_s

    def _is_clock_due(self, early_s=0):
        return is_due(self._asleep.clock_s - early_s, clock.now_s(), DAY_S)

    def _is_renewal_due(self):
        return clock.is_set() and 0 < self._asleep.renew_s <= clock.now_s()

    async def _deliver(self, heartbeat, hurry, asked=False):
        errand, asleep = self._open_errand(), self._asleep
        left_s = max(_WAKE_S - self._awake.elapsed_ms() // 1000, 1)
        if self._link_up:
            pause_s = await errand.deliver(heartbeat, left_s, hurry, asked)
        else:
            pause_s = errand.unreached_s()
        asleep.waiting = len(self._open_outbox())
        asleep.try_s, asleep.reached = clock.now_s() + pause_s, errand.courier.reached
        asleep.courier = errand.courier.pack()
        if errand.renewal_s() > clock.now_s():
            asleep.renew_s = errand.renewal_s()

    async def _renew(self, heartbeat):
        """A sign-in that no mail has used for long. If it was good and is not renewed, one mail says so."""
        errand, asleep = self._open_errand(), self._asleep
        now_s = clock.now_s()
        asleep.renew_s = now_s + DAY_S
        if not self._link_up:
            return
        since_s = errand.renewal_s()
        error = await errand.renew(heartbeat)
        if not error:
            asleep.renew_s = errand.renewal_s()
        if error and not asleep.warned and since_s > _NEVER_USED_S:
            self._health.note("The sign-in was not renewed. %s" % error)
            self._told.append(event.Event(event.ALARM, event.SIGN_IN, "Sign-in", since_s, now_s))
            self._store()
        asleep.warned = bool(error)

    def _listen(self):
        """Be there for a person at the console."""
        from .console import Console

        settings = self._settings
        self._console = Console(
            settings,
            self._link,
            self._health,
            self._open_outbox(),
            self._open_errand().courier,
            self._watchers,
            self._crashes,
        )
        self._supervisor.start("console", self._console.run)
        self._console.greet()

    async def _stay(self, heartbeat):
        """Give a person time to begin, and as long as they ask; send the mail that they ask for."""
        asked, left_s = 0, _LISTEN_S
        while left_s and self._awake.elapsed_ms() < _WAKE_S * 1000:
            await heartbeat.sleep(1)
            left_s = left_s - 1 if self._console.asked == asked else _LISTEN_S
            asked = self._console.asked
            if len(self._open_outbox()) > self._asleep.waiting:
                await self._go_online(heartbeat)
                await self._deliver(heartbeat, True, True)

    def _remember(self):
        """Write what is to be known after the sleep. False where there is no room for it."""
        health = self._health
        self._asleep.counts = health.mails, health.retries, health.refused, health.dropped
        for detail in _DETAILS:
            if self._write(detail):
                return True
        for watcher in self._watchers:
            watcher.release()  # what flaps is rather told too often than not at all
        self._store()
        return self._write(_LEAST)

    def _write(self, detail):
        self._asleep.alarms = [watcher.pack(*detail) for watcher in self._watchers]
        return rtc.write(rtc.BATTERY, pack(self._asleep, self._fingerprint))
