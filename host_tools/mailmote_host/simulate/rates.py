"""How many mails a minute, over any minute."""

from collections import deque
from collections.abc import Sequence

_MINUTE_S = 60.0
_SLACK = 0.99  # what is on its way comes a little sooner or later


class Rates:
    """Of the moments `at_s`, in order or not."""

    def __init__(self, at_s: Sequence[float]) -> None:
        self._counts: list[tuple[float, int]] = []
        recent: deque[float] = deque()
        for moment_s in sorted(at_s):
            recent.append(moment_s)
            while recent[0] <= moment_s - _MINUTE_S:
                recent.popleft()
            self._counts.append((moment_s, len(recent)))

    @property
    def peak(self) -> int:
        """The most in any minute."""
        return max((count for _, count in self._counts), default=0)

    def longest_above(self, limit: int) -> float:
        """Seconds for which the minute before each mail had more than `limit`, at the longest."""
        longest_s = 0.0
        since_s: float | None = None
        for moment_s, count in self._counts:
            if count <= limit:
                since_s = None
                continue
            since_s = moment_s if since_s is None else since_s
            longest_s = max(longest_s, moment_s - since_s)
        return longest_s


def too_fast(at_s: Sequence[float], interval_s: float) -> bool:
    """Whether four of these moments lie within two intervals.

    One mail an interval gives three of them, for a mail that was held up may be close to the next one.
    """
    moments_s = sorted(at_s)
    return any(
        later - first < 1.98 * interval_s for first, later in zip(moments_s, moments_s[3:], strict=False)
    )
