"""A simulated week of a board that sleeps: what happened, and what it cost. Runs on both runtimes."""

import json

from battery_board import SETTINGS, START_S, Board

from mailmote import event
from mailmote.store import outbox, rtc

HOUR_S = 3600
DAY_S = 86400
EVERY_S = 300
WARM, COLD = 9.5, 4.0


def settings():
    week = json.loads(json.dumps(SETTINGS))
    slow = week["alarms"][0]
    quick = {"name": "Warm", "sensor": "Cold room", "severity": "info", "above": 8, "clear": 6, "for_s": 0}
    week["alarms"] = [slow, quick]
    week["alive"] = {"at_s": 7 * HOUR_S}
    return week


def temperature(true_s):
    """What the sensor reads: a warm hour, a door that is opened for each other reading, and two warm spells
    that a loss of power and an outage meet."""
    day, second = divmod(int(true_s) - START_S, DAY_S)
    hour = second / HOUR_S
    if (day == 1 and 4 <= hour < 5) or (day == 3 and 4 <= hour < 6) or (day == 4 and 2 <= hour < 3):
        return WARM
    if day == 2 and 4 <= hour < 7:
        return WARM if second // EVERY_S % 2 else COLD
    return COLD


def run():
    """The week; its figures."""
    board = Board(settings())
    board.sensor = temperature
    return board.on_flash(lambda: _live(board))


def _live(board):
    losses = 0
    most_remembered = in_vain = 0
    while board.true_s < START_S + 7 * DAY_S:
        hours = (board.true_s - START_S) / HOUR_S
        board.wifi = not 4 * 24 <= hours < 5 * 24
        if not losses and hours >= 3 * 24 + 4.15:  # the slow alarm holds, and is not told yet
            board.power_off()
            losses += 1
        before = board.radio_wakes
        board.wake()
        in_vain += board.radio_wakes - before if not board.wifi else 0
        most_remembered = max(most_remembered, len(board.memory))
    told = [(one.alarm, one.kind) for one in board.raised]
    return {
        "wakes": board.wakes,
        "radio": board.radio_wakes,
        "radio in vain": in_vain,
        "flash": board.flash_wakes,
        "connections": board.connections,
        "mails": len(board.mails),
        "raised": len(board.raised),
        "delivered": board.delivered,
        "stand for": sum([one.count for one in board.raised]),
        "waiting": len(outbox.Outbox()),
        "samples": board.samples,
        "losses of power": losses,
        "rtc bytes": most_remembered,
        "slow": [kind for alarm, kind in told if alarm == "Too warm"],
        "signs of life": told.count(("", event.ALIVE)),
        "sound": rtc.read(rtc.BATTERY) is not None,
    }
