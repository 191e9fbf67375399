"""Safe mode: what follows crashes in a row. Link, clock, sign-in, mail and console work; no sensor does.

One mail tells why. After its time the board starts normally: a freezer must not stay unwatched for ever.
"""

from . import log
from .event import CRASH, Event
from .net import clock

_TURN_S = 10


async def run(heartbeat, crashes, outbox, tell, all_stored):
    """Returns when the board is to be started again.

    `tell(events)` puts events into the outbox, and `all_stored()` says whether the flash took them all.
    """
    log.warning(
        "agent",
        "Safe mode: the board crashed again and again. No sensor is watched for %d min: `mailmote status`.",
        crashes.safe_left_s() // 60,
    )
    told = False
    while crashes.safe_left_s() > 0:
        if not crashes.announced:
            if not told and outbox.newest(CRASH) is None:  # its mail tells of this one, too
                now_s = clock.now_s()
                tell([Event(CRASH, 0, "", now_s, now_s)])
            told = True
            if all_stored():
                crashes.announce()
        await heartbeat.sleep(min(_TURN_S, max(1, crashes.safe_left_s())))
    crashes.leave()
