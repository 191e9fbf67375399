"""What a mail tells of the board."""

from expect import equal

from mailmote import compat, redaction
from mailmote.health import Health


class Link:
    def __init__(self, rssi_dbm=None):
        self._rssi_dbm = rssi_dbm

    def rssi(self):
        return self._rssi_dbm


def lines(health, free_bytes):
    before, compat.heap_free = compat.heap_free, lambda: free_bytes
    try:
        return [line for line in health.lines() if not line.startswith("Running for")]
    finally:
        compat.heap_free = before


def test_what_is_unknown_or_well_is_not_told():
    equal(lines(Health(Link()), 0), ["Mails sent: 0, tried again: 0, recipients refused: 0"])


def test_what_is_known_is_told():
    health = Health(Link(-61))
    health.mails, health.retries, health.refused, health.dropped, health.damaged = 5, 4, 3, 2, 1
    equal(
        lines(health, 50 * 1024 + 1023),
        [
            "Free memory: 50 kB",
            "Wi-Fi signal: -61 dBm",
            "Mails sent: 5, tried again: 4, recipients refused: 3",
            "Alerts that could not be stored: 2",
            "Alerts that were damaged on the flash: 1",
        ],
    )


def test_the_last_four_notes_are_kept_each_once():
    health = Health(Link())
    for text in ("one", "two", "two", "three", "four", "five", "four"):
        health.note(text)
    equal(health.notes, ["two", "three", "four", "five"])


def test_a_note_shows_no_secret():
    health = Health(Link())
    before = list(redaction._secrets)
    redaction.hide(b"canary-password")
    health.note("refused: canary-password")
    redaction._secrets[:] = before
    equal(health.notes, ["refused: ***"])


def test_a_note_that_came_while_a_mail_was_sent_waits_for_the_next():
    health = Health(Link())
    health.note("before")
    told = tuple(health.notes)
    health.note("meanwhile")
    health.delivered(told)
    equal((health.notes, health.mails), (["meanwhile"], 1))


def test_the_uptime_outlives_the_wrap_of_the_ticks():
    before = compat.ticks_ms, compat.ticks_diff
    now = [2**30 - 1000]
    compat.ticks_ms = lambda: now[0] % 2**30
    compat.ticks_diff = lambda later, earlier: (later - earlier + 2**29) % 2**30 - 2**29
    try:
        health = Health(Link())
        for _ in range(30):
            now[0] += 2**28
            health.uptime_s()
        equal(health.uptime_s(), 30 * 2**28 // 1000)
    finally:
        compat.ticks_ms, compat.ticks_diff = before


def test_the_peak_of_the_heap_is_the_most_that_was_in_use():
    before = compat.heap_used
    used = [10, 30, 20]
    compat.heap_used = lambda: used.pop(0)
    try:
        health = Health(Link())
        for _ in range(3):
            health.collect()
        equal(health.heap_peak_bytes, 30)
    finally:
        compat.heap_used = before
