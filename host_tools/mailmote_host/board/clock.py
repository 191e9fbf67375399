"""The clock of a board, set from this computer, and the floor below which the board takes no time.

The floor is written anew, lower too: a board that an NTP server has been put into the future by, with a
forged time, is right again after this.
"""

import time
from datetime import UTC, datetime

from mailmote.net import clock

from ..errors import HostError
from .link import Link

_TIMEOUT_S = 30
_SET = """\
import machine
machine.RTC().datetime(%r)
from mailmote.store import state
state.write(%r, %d)
"""


def check() -> None:
    """Raise HostError where the clock of this computer cannot be right."""
    if not clock.is_set():
        raise HostError(
            f"The clock of this computer says {datetime.now(UTC):%Y-%m-%d}, which cannot be, and the board "
            "would get it. Set it right, then try again."
        )


def set_on(link: Link) -> None:
    """Set the board's clock to UTC and its floor to now. The firmware has to be there. Raises LinkError."""
    now_s = int(time.time())
    now = datetime.fromtimestamp(now_s, UTC)
    fields = (now.year, now.month, now.day, now.weekday(), now.hour, now.minute, now.second, 0)
    link.run(_SET % (fields, clock.FLOOR, now_s), _TIMEOUT_S)
