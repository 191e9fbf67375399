"""How the board is: counted while it runs, told in each mail and on the console."""

from . import compat
from .civil import duration, stamp
from .redaction import redacted

_MAX_NOTES = 4


def _no_crash():
    return ""


class Health:
    """`heap_peak_bytes` is the most that was in use after a collection, where a mail needs it most.

    `last_mail` is (uptime_s, title of the event), `last_failure` (uptime_s, MailmoteError); both begin as
    None. `watchers` are those of the sensors, `last_crash()` gives the text of the last crash.
    """

    def __init__(self, link):
        self._link = link
        self._uptime = compat.Stopwatch()
        self.before_s = 0  # what a board that sleeps has run before this wake, sleep included
        self.heap_peak_bytes = 0
        self.mails = 0
        self.retries = 0
        self.refused = 0
        self.dropped = 0
        self.damaged = 0
        self.merged = 0
        self.watchers = []
        self.last_crash = _no_crash
        self.notes = []
        self.last_mail = None
        self.last_failure = None

    def collect(self):
        """Collect garbage and note what is left in use."""
        compat.collect()
        self.heap_peak_bytes = max(self.heap_peak_bytes, compat.heap_used())

    def note(self, text):
        """Tell `text` in the next mail that gets through."""
        text = redacted(text)
        if text not in self.notes:
            self.notes = (self.notes + [text])[-_MAX_NOTES:]

    def failed(self, error):
        """A delivery that is to be tried again."""
        self.retries += 1
        self.last_failure = self.uptime_s(), error
        self.note("Mail was delayed. %s" % error)

    def delivered(self, notes, title=""):
        """One more mail, that told `notes`, of an event with this title."""
        self.mails += 1
        self.last_mail = self.uptime_s(), title
        self.notes = [note for note in self.notes if note not in notes]

    def uptime_s(self):
        """Seconds since the start. Asked at least once in six days, it outlives the wrap of the ticks."""
        return self.before_s + self._uptime.elapsed_ms() // 1000

    def readings(self, utc_offset_s):
        """A line for each sensor of `watchers`: what it read last, and when."""
        for watcher in self.watchers:
            if watcher.last is None:
                yield "%s: no reading yet" % watcher.name
                continue
            time_s, value = watcher.last
            failing = ", and it fails since" if watcher.failing else ""
            reading = "%.4g %s" % (value, watcher.unit)
            yield "%s: %s at %s%s" % (watcher.name, reading.rstrip(), stamp(time_s, utc_offset_s), failing)

    def lines(self):
        """The lines of a mail."""
        yield "Running for: %s" % duration(self.uptime_s())
        free = compat.heap_free()
        if free:
            yield "Free memory: %d kB" % (free // 1024)
        rssi = self._link.rssi()
        if rssi is not None:
            yield "Wi-Fi signal: %d dBm" % rssi
        yield "Mails sent: %d, tried again: %d, recipients refused: %d" % (
            self.mails,
            self.retries,
            self.refused,
        )
        if self.dropped:
            yield "Alerts that could not be stored: %d" % self.dropped
        if self.merged:
            yield "Alerts that were merged into others, for the outbox was full: %d" % self.merged
        if self.damaged:
            yield "Alerts that were damaged on the flash: %d" % self.damaged
