"""Mail raises the floor of the clock: a server that was verified has taken it, so the clock is right."""

from . import log
from .errors import StorageError
from .net import clock
from .store import state


def keep_time():
    """Mail was delivered over verified TLS: the time is the floor from now on, over restarts too."""
    now_s = clock.now_s()
    if not clock.floor_due(now_s):
        return
    clock.raise_floor(now_s)
    try:
        state.write(clock.FLOOR, now_s)
    except StorageError as error:
        log.error("courier", "The time is not stored. %s", error)
