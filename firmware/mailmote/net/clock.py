"""The board's clock: set over NTP, checked for sense before anything trusts it."""

from .. import compat, log

_NOT_BEFORE_S = 1767225600  # 2026-01-01: no board runs this firmware before it was written
_NOT_AFTER_S = _NOT_BEFORE_S + 9 * 365 * 86400  # what a broken NTP answer becomes lies in 2036
_AGAIN_S = 6 * 3600  # an ESP32's clock drifts by seconds a day
_RETRY_S = 60


def now_s():
    """Seconds since 1970."""
    return compat.unix_time()


def is_set():
    """False after power-on, until NTP or a person has set the clock to a time that can be."""
    return _NOT_BEFORE_S <= now_s() < _NOT_AFTER_S


async def keep(link, heartbeat, on_moved):
    """Set the clock when the link is up, and again every few hours; `on_moved(by_s)` hears of each step."""
    while True:
        await link.wait_up(heartbeat)
        moved_s = _synchronise()
        if moved_s:
            on_moved(moved_s)
        await heartbeat.sleep(_AGAIN_S if moved_s is not None and is_set() else _RETRY_S)


def _synchronise():
    """Seconds by which the clock was moved, or None if no NTP server answered."""
    before_s = now_s()
    waited = compat.Stopwatch()
    try:
        import ntptime

        ntptime.settime()
    except (OSError, OverflowError, ValueError, IndexError) as error:
        log.warning(
            "clock", "The clock was not set over NTP (%r). Let UDP port 123 out of the network.", error
        )
        return None
    moved_s = now_s() - before_s - waited.elapsed_ms() // 1000
    if not is_set():
        log.warning("clock", "The NTP server gave a time that cannot be. It is asked again.")
    return moved_s
