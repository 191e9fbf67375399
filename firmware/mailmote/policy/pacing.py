"""When to try again: pure, the random number passed in.

Full jitter: a whole site of boards that lost the same server must not return at the same second. Alerts are
kept and tried for as long as it takes; RFC 5321 section 4.5.4.1 asks for 4 to 5 days at least.
"""

_LATER = (30, 60, 3600)  # seconds: least, first most, most of all
_FIX = (450, 900, 14400)  # a person has to act first: hammering a sign-in prolongs a lockout


class Backoff:
    """Counts the failures in a row."""

    def __init__(self):
        self._failures = 0

    def succeeded(self):
        self._failures = 0

    def pause_s(self, needs_a_person, chance):
        """Seconds to wait after one more failure. `chance` is a random float from 0 to 1."""
        least, most, cap = _FIX if needs_a_person else _LATER
        most = min(most << min(self._failures, 16), cap)
        self._failures += 1
        return int(least + (most - least) * chance)
