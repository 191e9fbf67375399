"""The board's clock: set over NTP, checked for sense before anything trusts it.

Certificates are judged by this clock, and NTP answers are not authenticated: whoever holds the network can
forge them. What limits a forger is the floor, a time that has passed. It is kept over restarts and raised
only after a mail went to a server whose certificate was verified at that time (`raise_floor`), never by NTP
alone: one forged answer would put the board into the future for good. Nothing takes the clock to before the
floor, where stolen certificates that have ended would be good again. What remains is a forged time ahead: it
can make good certificates fail, which delays mail and shows none of it to anybody.

A site without NTP is served by the floor, too: after a power cut the clock goes on from it.
"""

import time

from .. import civil, compat, log
from ..compat import const

FLOOR = "clock-floor"  # its name in the store

_NOT_BEFORE_S = const(1767225600)  # 2026-01-01: no board runs this firmware before it was written
_NOT_AFTER_S = _NOT_BEFORE_S + 9 * 365 * 86400  # what a broken NTP answer becomes lies in 2036
_FLOOR_AGE_S = const(86400)  # certificates last for months, and flash wears: a write a day is enough
_AGAIN_S = 6 * 3600  # an ESP32's clock drifts by seconds a day
_RETRY_S = const(60)
_SELDOM_S = 15 * 60  # once every server was asked, and the clock is set without them: a site may have no NTP

_floor_s = 0
_servers = ("pool.ntp.org",)
_turn = 0  # whose turn it is among the servers
_failures = 0  # in a row
_sure = False  # whether a server has set the clock since the power came


def now_s():
    """Seconds since 1970."""
    return compat.unix_time()


def begin(floor_s, servers, sure=False):
    """Call once, before anything asks for the time. `floor_s`: the kept floor in seconds since 1970, or None.

    `servers`: the names of NTP servers, asked in turn. `sure`: what `is_sure` said before a sleep. A clock
    that is not set, or is before the floor, goes on from the floor until a server answers. One that can be
    right is left alone: a restart may have kept it, or a person has set it.
    """
    global _floor_s, _servers, _turn, _failures, _sure
    _servers = servers
    _turn = _failures = 0
    _floor_s = 0
    if floor_s is not None and can_be(floor_s):
        _floor_s = floor_s
    _sure = sure and is_set()
    if _floor_s and not is_set():
        _set(floor_s)
        log.warning(
            "clock",
            "The clock was not set. It goes on from %s UTC, a time of delivery, until an NTP server answers.",
            civil.stamp(floor_s),
        )


def is_set():
    """False after power-on, until the floor, NTP or a person has set the clock to a time that can be."""
    return can_be(now_s())


def is_sure():
    """True once an NTP server has set the clock: it does not go on from the floor, days behind."""
    return _sure


def floor_due(now_s):
    """True where `now_s` can be, and is more than a day after the floor."""
    return can_be(now_s) and now_s - _floor_s > _FLOOR_AGE_S


def raise_floor(now_s):
    """No time before `now_s` is taken from here on: only after a verified TLS delivery. The caller keeps it
    under the name FLOOR."""
    global _floor_s
    if can_be(now_s):
        _floor_s = now_s


async def keep(link, heartbeat, on_moved):
    """Set the clock when the link is up, and again every few hours; `on_moved(by_s)` hears of each step."""
    while True:
        await link.wait_up(heartbeat)
        moved_s = _synchronise()
        if moved_s:
            on_moved(moved_s)
        await heartbeat.sleep(_pause_s())


def ask():
    """Ask each server, until one sets the clock: the seconds that moved it, or None where none did."""
    for _ in _servers:
        moved_s = _synchronise()
        if not _failures:
            return moved_s
    return None


def can_be(unix_s):
    """False for a time before this firmware was written, before the floor, or too far ahead."""
    return max(_NOT_BEFORE_S, _floor_s) <= unix_s < _NOT_AFTER_S


def _pause_s():
    if not _failures:
        return _AGAIN_S
    return _SELDOM_S if _failures >= len(_servers) and is_set() else _RETRY_S


def _synchronise():
    """Seconds by which the clock was moved; 0 where the server whose turn it is gave no time that can be.

    After such a failure it is the next one's turn.
    """
    global _turn, _failures, _sure
    server = _servers[_turn]
    try:
        answer_s = _ask(server)
    except (OSError, OverflowError, ValueError, IndexError) as error:
        log.warning(
            "clock",
            "The NTP server %s did not give the time (%r). Let UDP port 123 out of the network, or name a "
            "server of the site in mote.toml, [clock] ntp.",
            server,
            error,
        )
        answer_s = None
    if answer_s is None or not _accepted(server, answer_s):
        _turn = (_turn + 1) % len(_servers)
        _failures += 1
        return 0
    _failures = 0
    _sure = True
    moved_s = answer_s - now_s()
    _set(answer_s)
    return moved_s


def _ask(server):
    """The server's time in seconds since 1970. Raises what `ntptime` raises."""
    import ntptime

    ntptime.host = server
    return civil.unix_time(*time.gmtime(ntptime.time())[:6])  # ntptime counts from the epoch of its port


def _accepted(server, answer_s):
    if can_be(answer_s):
        return True
    if answer_s < _floor_s:
        text = (
            "The NTP server %s was refused: it says %s UTC, which is before a delivery. If it is right, the "
            "board's clock is wrong: provision it again. If not, take it out of mote.toml, [clock] ntp."
        )
    else:
        text = (
            "The NTP server %s was refused: it says %s UTC, which cannot be. Name another one in mote.toml, "
            "[clock] ntp."
        )
    log.warning("clock", text, server, civil.stamp(answer_s))
    return False


def _set(unix_s):
    import machine

    year, month, day, hour, minute, second = civil.civil_time(unix_s)
    machine.RTC().datetime((year, month, day, 0, hour, minute, second, 0))  # the weekday is not looked at
