"""Crashes of the board's own program: counted where a reset leaves the count, and told by the mail after it.

A crash is a task or an agent that an exception has ended, or a reset that nobody asked for while the agent
ran: by the watchdog, or by a panic of MicroPython itself. After three within ten minutes, or six within six
hours, the board starts in safe mode, for an hour; for two, then four, where crashes go on after it. What a
person does is no crash, and whoever presses Ctrl-C or pulls the plug wants a board that starts normally.

Times are those that the board has run, added up over its resets: the clock is not set after power-on, and
steps by years when it is. All but the text is in the memory of the RTC, which power-on begins anew.
"""

import struct

from . import compat, log
from .compat import const
from .store import rtc

_MOST = const(3)
_WITHIN_S = const(600)
_MOST_SLOWLY = const(6)  # as of a program that hangs some minutes after each start
_SLOWLY_WITHIN_S = 6 * 3600
_SAFE_S = 3600  # of safe mode, doubled up to _MOST_DOUBLED times
_MOST_DOUBLED = const(2)
_CALM_S = const(3600)  # without safe mode, after which the next one is a first one again

_RUNS, _SAFE, _ANNOUNCED, _TOLD = 1, 2, 4, 8
_KEPT = "<BBII6I"  # flags, times doubled, seconds run, when safe mode began or ended, the last crashes
_NEVER = const(0xFFFFFFFF)
_RESET = (
    "The board was reset while it worked: by its watchdog, as the program hung, or by a panic of MicroPython."
)


class Crashes:
    """Of the board: one object, made at the start. `after_one`: this start follows a crash."""

    def __init__(self):
        self._run = compat.Stopwatch()
        self._before_s = 0  # what it had run when this run began
        self._flags = 0
        self._doubled = 0
        self._since_s = _NEVER
        self._times = []
        self._kept = False
        self.after_one = False

    def begin(self, watchdog_s):
        """The agent starts. A reset by the watchdog comes `watchdog_s` after it was last fed."""
        import machine

        cause = machine.reset_cause()
        if cause != machine.PWRON_RESET:
            self._load()
        self.after_one = bool(self._flags & _TOLD)
        if self._flags & _RUNS and cause in (machine.WDT_RESET, machine.HARD_RESET):
            if cause == machine.WDT_RESET:
                self._before_s += watchdog_s
            self.after_one = True
            self._count()
            if not self._flags & (_TOLD | _SAFE):
                _words().write(_RESET, (), ())
        if not self.safe and self._looping():
            self._enter()
        elif self.safe and self.safe_left_s() <= 0:
            self.leave()
        self._flags = self._flags & ~_TOLD | _RUNS
        self._save()

    @property
    def safe(self):
        """Whether this run is in safe mode."""
        return bool(self._flags & _SAFE)

    def safe_left_s(self):
        """Seconds until the board is to start normally, negative when that is over."""
        return (_SAFE_S << self._doubled) - (self._lived_s() - self._since_s)

    @property
    def announced(self):
        """Whether an event tells of this safe mode."""
        return bool(self._flags & _ANNOUNCED)

    def announce(self):
        self._flags |= _ANNOUNCED
        self._save()

    def failed(self, what, error):
        """The exception `error` has ended `what`. True where a restart of the board comes up in safe mode."""
        self._count()
        self._save()
        if self.safe:
            return False  # the text says why safe mode began
        try:
            lines = [line for line in log.traceback(error).split("\n") if line]
            self._tell("%s failed: %s" % (what, lines[-1]), lines)
        except MemoryError:
            log.error("crashes", "There is too little memory to keep the traceback.")
        return self._kept and self._looping()

    def silent(self, names):
        """These tasks show no sign of life: the watchdog may reset the board, and nothing else tells why."""
        if not self.safe:
            self._tell("No sign of life from %s." % ", ".join(names), ())

    def going_on(self):
        """The agent runs: to be called every few seconds."""
        self._save()

    def ended(self, asleep_s=0):
        """The agent has ended: a reset that follows, after `asleep_s` of sleep, is no crash."""
        self._before_s += asleep_s
        self._flags &= ~_RUNS
        self._save()

    def leave(self):
        """Safe mode is over."""
        self._flags &= ~(_SAFE | _ANNOUNCED)
        self._since_s = self._lived_s()
        self._times = []
        self._save()

    def forgive(self):
        """A person is here: the next start is a normal one."""
        self._flags &= _RUNS
        self._doubled = 0
        self._since_s = _NEVER
        self._times = []
        self._save()

    def _lived_s(self):
        return self._before_s + self._run.elapsed_ms() // 1000

    def _count(self):
        self._times = (self._times + [self._lived_s()])[-_MOST_SLOWLY:]

    def _looping(self):
        return self._has(_MOST, _WITHIN_S) or self._has(_MOST_SLOWLY, _SLOWLY_WITHIN_S)

    def _has(self, crashes, within_s):
        return len(self._times) >= crashes and self._lived_s() - self._times[-crashes] <= within_s

    def _enter(self):
        calm = self._since_s == _NEVER or self._lived_s() - self._since_s > _CALM_S
        self._doubled = 0 if calm else min(self._doubled + 1, _MOST_DOUBLED)
        self._flags |= _SAFE
        self._since_s = self._lived_s()
        self._times = []

    def _tell(self, headline, traceback):
        _words().write(headline, traceback, log.recent())
        self._flags |= _TOLD
        self._save()

    def _load(self):
        kept = rtc.read(rtc.CRASHES)
        if kept is None or len(kept) != struct.calcsize(_KEPT):
            return
        self._flags, self._doubled, self._before_s, self._since_s, *times = struct.unpack(_KEPT, kept)
        self._times = [time_s for time_s in times if time_s != _NEVER]

    def _save(self):
        times = self._times + [_NEVER] * (_MOST_SLOWLY - len(self._times))
        kept = struct.pack(_KEPT, self._flags, self._doubled, self._lived_s(), self._since_s, *times)
        self._kept = rtc.write(rtc.CRASHES, kept)


def text():
    """What is known of the last crash, without secrets; "" where there was none."""
    return _words().read()


def _words():
    """Loaded for each use and let go again."""
    return compat.borrow("mailmote.crash_text")
