"""Wakes of a board that sleeps: what it does in them, what it leaves, and what no crash or cut takes."""

import asyncio
import json
import sys

from battery_board import DEEPSLEEP, HARD, PWRON, SETTINGS, START_S, WDT, Board
from both_rtc import Clock, filled, read
from expect import equal, raises

from mailmote import battery, compat, errors, event, log, sign_in, wake
from mailmote.store import outbox, rtc, state


def changed(**tables):
    settings = json.loads(json.dumps(SETTINGS))
    settings.update(tables)
    return settings


def warm_from(start_s, end_s=START_S * 2):
    return lambda true_s: 9.5 if start_s <= true_s < end_s else 4.0


def kinds(board):
    return [(one.kind, one.cause) for one in board.raised]


def settled(settings=SETTINGS):
    """A board that has been asleep, and is called in its flash."""
    board = Board(settings)

    def on_flash(test):
        def first():
            board.wake()
            board.wake()
            board.wakes = board.radio_wakes = board.flash_wakes = 0
            return test(board)

        return board.on_flash(first)

    return on_flash


def test_a_quiet_wake_touches_neither_radio_nor_flash():
    def check(board):
        samples = board.samples
        board.live(3600)
        equal((board.wakes, board.radio_wakes, board.flash_wakes), (12, 0, 0))
        equal((board.samples - samples, board.raised, board.mails), (12, [], []))
        equal(board.slept_s, 300)

    settled()(check)


def test_what_was_told_in_a_life_on_mains_is_forgotten():
    def check(board):
        board.memory = filled([(rtc.ALARMS, b"of another life")]).held
        board.reset(HARD)
        board.wake()
        equal(read(Clock(board.memory), rtc.ALARMS), [None])

    settled()(check)


def test_a_hold_goes_on_in_sleep_and_the_alarm_and_its_end_are_mailed_in_their_wakes():
    def check(board):
        begin_s = board.true_s
        board.sensor = warm_from(begin_s, begin_s + 1500)
        board.live(3600)
        equal(kinds(board), [(event.ALARM, event.ABOVE), (event.RECOVERY, event.ABOVE)])
        alarm, recovery = board.raised
        equal((alarm.since_s, alarm.at_s), (begin_s, begin_s + 900))
        equal((recovery.since_s, recovery.at_s), (begin_s, begin_s + 1500))
        equal([value for _, value in alarm.readings], [9.5] * 4)
        equal((len(board.mails), board.wakes, board.radio_wakes, board.flash_wakes), (2, 12, 2, 2))

    settled()(check)


def test_a_sensor_that_fails_is_told_though_the_board_sleeps_in_between():
    def loose(true_s):
        raise errors.SensorError("loose cable")

    def check(board):
        board.sensor = loose
        board.live(2 * 3600)
        equal(kinds(board), [(event.ALARM, event.SENSOR_ERROR)])

    settled()(check)


def test_an_alarm_that_flaps_is_held_back_over_sleeps_and_told_in_the_end():
    def check(board):
        board.sensor = lambda true_s: 9.0 if true_s // 300 % 2 else 4.0
        board.live(3 * 3600)
        flapping = len(board.raised)
        equal(12 <= flapping <= 19, True)
        board.sensor = lambda true_s: 4.0
        board.live(3600)
        equal((board.raised[-1].kind, len(board.mails)), (event.RECOVERY, len(board.raised)))
        equal(sum([one.count for one in board.raised]) >= 35, True)

    alarm = dict(SETTINGS["alarms"][0], for_s=0)
    settled(changed(alarms=[alarm]))(check)


def test_a_loss_of_power_costs_the_hold_that_had_begun_and_no_alert():
    def check(board):
        begin_s = board.true_s
        board.sensor = warm_from(begin_s)
        board.live(600)
        equal(board.raised, [])
        board.power_off()
        again_s = board.true_s
        board.live(1500)
        equal([one.since_s - again_s < 60 for one in board.raised], [True])
        equal(len(board.mails), 1)

    settled()(check)


def test_what_waits_outlives_a_loss_of_power():
    def check(board):
        board.wifi = False
        board.sensor = warm_from(board.true_s)
        board.live(1000)
        equal((len(board.raised), board.mails), (1, []))
        board.sensor = lambda true_s: 4.0
        board.power_off()
        board.wifi = True
        board.wake()
        equal(len(board.mails), 1)

    settled()(check)


def outcomes(cause):
    """Crash at each step of the wake that raises an alarm: what was raised and mailed afterwards."""
    found = []
    for what in ("rtc", "send"):
        for count in range(10):
            took = settled()(lambda board: crashed(board, what, count, cause))  # noqa: B023 - called at once
            if took is None:
                break
            found.append((what, count) + took)
    return found


def crashed(board, what, count, cause):
    board.sensor = warm_from(board.true_s)
    board.live(900)
    equal(board.raised, [])
    if not board.crash(what, count, cause):
        return None
    board.live(2400)
    return len(board.raised), len(board.mails), len(outbox.Outbox())


def test_a_crash_anywhere_in_a_wake_loses_no_alert():
    found = outcomes(WDT)
    equal(len(found) >= 3, True)
    for what, count, raised, mails, waiting in found:
        told = {("rtc", 0): (2, 2)}.get((what, count), (1, 1))  # before RTC memory says that it was told
        equal((what, count, raised, mails, waiting), (what, count) + told + (0,))


def test_a_power_cut_anywhere_in_a_wake_loses_no_alert():
    found = outcomes(PWRON)
    equal(len(found) >= 3, True)
    for what, count, raised, mails, waiting in found:
        equal((what, count, raised, mails, waiting), (what, count, 2, 2, 0))  # and the alarm stands anew


def test_without_wifi_the_tries_get_rarer_and_what_waits_is_mailed_afterwards():
    def check(board):
        board.sensor = warm_from(board.true_s)
        board.wifi = False
        board.live(86400)
        equal(board.connections, 0)
        equal(24 <= board.radio_wakes <= 80, True)
        equal(board.flash_wakes <= 2, True)
        board.wifi = True
        board.live(3700)
        equal((len(board.raised), len(board.mails)), (1, 1))

    settled()(check)


def test_a_server_that_refuses_is_asked_rarely_over_sleeps():
    def check(board):
        board.server = errors.FixSettings("planned", "sign-in-refused")
        board.sensor = warm_from(board.true_s)
        board.live(86400)
        equal(6 <= board.connections <= 12, True)
        board.server = None
        board.live(4 * 3600)
        equal((len(board.raised), len(board.mails)), (1, 1))

    settled()(check)


def test_a_new_alert_does_not_wait_for_one_that_is_refused_for_now():
    def check(board):
        board.refuses = errors.FixSettings("planned", "relay-denied")
        board.sensor = warm_from(board.true_s)
        board.live(900 + 3000)
        tries = board.connections
        equal((len(board.raised), tries >= 2, board.mails), (1, True, []))
        board.refuses = None
        board.sensor = lambda true_s: 4.0
        board.live(300)
        equal((board.connections, len(board.raised), len(board.mails)), (tries + 1, 2, 2))

    settled()(check)


def test_a_new_alert_waits_with_the_others_for_a_server_that_was_not_reached():
    def check(board):
        board.server = errors.FixSettings("planned", "sign-in-refused")
        board.sensor = warm_from(board.true_s)
        board.live(900 + 3000)
        tries = board.connections
        board.sensor = lambda true_s: 4.0
        board.wake()
        equal((board.connections - tries, len(board.raised), len(outbox.Outbox())), (0, 2, 2))

    settled()(check)


def test_what_waits_is_found_where_the_memory_was_lost_in_sleep():
    def check(board):
        board.wifi = False
        board.sensor = warm_from(board.true_s)
        board.live(1000)
        board.wifi = True
        board.sensor = lambda true_s: 4.0
        for memory in (board.memory[:-1], board.memory[:20] + b"?" + board.memory[21:], b"", b"mote"):
            board.memory = memory
            board.wake()
            equal((memory, len(board.mails)), (memory, 1))

    settled()(check)


def test_a_person_who_resets_it_sees_it_try_at_once_and_a_watchdog_does_not():
    def check(board):
        board.server = errors.FixSettings("planned", "sign-in-refused")
        board.sensor = warm_from(board.true_s)
        board.live(3000)
        before = board.connections
        for cause, more in ((WDT, 0), (HARD, 1), (DEEPSLEEP, 0)):
            before = board.connections
            board.reset(cause)
            board.wake()
            equal((cause, board.connections - before), (cause, more))

    settled()(check)


def test_a_try_that_is_due_wakes_it_between_two_readings():
    def check(board):
        board.server = errors.RetryLater("planned")
        board.sensor = warm_from(0)
        board.live(4000)
        equal((len(board.raised), board.slept_s <= 61, board.mails), (1, True, []))
        board.server = None
        samples = board.samples
        board.wake()
        equal((len(board.mails), board.samples - samples), (1, 0))

    sensors = [dict(SETTINGS["sensors"][0], every_s=3600)]
    alarms = [dict(SETTINGS["alarms"][0], for_s=0, no_reading_for_s=7200)]
    settled(changed(sensors=sensors, alarms=alarms, retry={"first_s": 60, "cap_s": 60}))(check)


def test_a_refused_token_is_worth_another_try_in_the_same_wake():
    def check(board):
        board.server = errors.RetryNow("planned")
        board.sensor = warm_from(board.true_s)
        board.live(1200)
        equal((board.connections, len(board.mails), board.radio_wakes), (2, 1, 1))

    settled()(check)


def test_a_server_that_hangs_does_not_keep_it_awake():
    real = compat.wait_ms

    def check(board):
        board.sensor = warm_from(board.true_s)
        board.live(900)
        board.hangs = True
        compat.wait_ms = lambda awaitable, ms: real(awaitable, 10 if ms > 100000 else ms)
        board.wake()
        equal((board.connections, len(board.raised), board.mails), (1, 1, []))
        board.hangs = False
        board.live(300)
        equal(len(board.mails), 1)

    try:
        settled()(check)
    finally:
        compat.wait_ms = real


def test_what_the_flash_refuses_is_raised_again_until_it_is_stored():
    def check(board):
        board.sensor = warm_from(board.true_s)
        board.live(900)
        before = outbox.Outbox.enqueue

        def full(box, one, recipients, dated):
            raise errors.StorageError("planned")

        outbox.Outbox.enqueue = full
        try:
            board.live(900)
        finally:
            outbox.Outbox.enqueue = before
        equal(board.raised, [])
        board.live(900)
        equal((kinds(board), len(board.mails)), ([(event.ALARM, event.ABOVE)], 1))

    settled()(check)


def test_the_clock_is_set_at_once_and_then_once_a_day():
    board = Board()

    def check():
        board.wake()
        equal((board.ntp_asked, abs(board.clock_error_s) <= 1), (1, True))
        board.live(3 * 86400)
        equal((board.ntp_asked, board.radio_wakes), (4, 4))

    board.on_flash(check)


def test_after_a_loss_of_power_the_clock_is_set_before_an_alarm_tells_its_time():
    def check(board):
        state.write("clock-floor", int(board.true_s) - 5 * 86400)  # the clock would go on from there
        board.power_off()
        board.sensor = warm_from(0)
        board.wake()
        (alarm,) = board.raised
        equal(abs(alarm.at_s - board.true_s) < 600, True)

    settled(changed(alarms=[dict(SETTINGS["alarms"][0], for_s=0)]))(check)


def test_a_clock_that_goes_on_from_its_floor_is_set_soon_after_the_network_is_back():
    def check(board):
        state.write("clock-floor", int(board.true_s) - 10 * 86400)
        board.power_off()
        board.wifi = False
        board.wake()
        equal(board.clock_error_s < -9 * 86400, True)
        board.wifi = True
        board.live(1200)
        equal(abs(board.clock_error_s) <= 1, True)
        asked = board.ntp_asked
        board.ntp = False  # once it was right, it is asked for daily, whatever comes
        board.live(3 * 86400)
        equal(board.ntp_asked - asked <= 4, True)

    settled()(check)


def test_an_alert_is_dated_once_the_clock_is_right_and_over_sleeps():
    def check(board):
        dated = []
        for floor in (False, True):
            if floor:
                state.write("clock-floor", int(board.true_s) - 10 * 86400)
                board.power_off()
            board.wifi = False
            board.sensor = warm_from(board.true_s)
            board.live(600)
            box = outbox.Outbox()
            dated.append([box.load(number).dated for number in box.waiting()])
            board.sensor = lambda true_s: 4.0
            board.wifi = True
            board.live(7200)
            equal(len(board.mails), len(board.raised))
        equal(dated, [[True], [False]])

    settled(changed(alarms=[dict(SETTINGS["alarms"][0], for_s=0)]))(check)


def test_the_recipients_of_a_day_are_counted_over_losses_of_power():
    def check(board):
        for _ in range(4):
            board.sensor = warm_from(board.true_s)
            board.live(600)
            board.sensor = lambda true_s: 4.0
            board.live(600)
            board.power_off()
        equal((len(board.raised), len(board.mails)), (8, 5))

    limits = {"mailbox_share": 1.0, "recipients_per_day": 5, "digest_after_s": 90000, "changes_per_hour": 60}
    settled(changed(alarms=[dict(SETTINGS["alarms"][0], for_s=0)], limits=limits))(check)


def test_a_clock_that_cannot_be_set_is_tried_more_and_more_rarely():
    board = Board()
    board.ntp = False

    def check():
        board.live(86400)
        equal((board.ntp_asked, board.radio_wakes), (7, 7))
        board.ntp = True
        board.live(86400)
        equal(abs(board.clock_error_s) <= 1, True)

    board.on_flash(check)


def test_with_the_network_there_anyway_the_clock_is_set_early():
    def check(board):
        board.live(13 * 3600)
        equal(board.ntp_asked, 1)
        begin_s = board.true_s
        board.sensor = warm_from(begin_s)
        board.live(3600)
        equal((board.ntp_asked, len(board.mails)), (2, 1))
        board.live(20 * 3600)
        equal((board.ntp_asked, board.radio_wakes), (2, 1))

    settled()(check)


def test_a_hold_outlives_that_the_clock_is_set():
    board = Board()
    board.ntp = False

    def check():
        board.wake()
        board.sensor = warm_from(board.true_s)
        board.live(600)
        equal(board.clock_error_s < -(10**8), True)
        board.ntp = True
        board.live(600)
        equal(board.clock_error_s, 0)
        board.live(300)
        (alarm,) = board.raised
        equal((alarm.at_s - alarm.since_s, abs(board.true_s - alarm.at_s) <= 600), (900, True))

    board.on_flash(check)


def test_a_clock_that_steps_in_sleep_puts_no_sensor_off():
    def check(board):
        for step_s in (-86400, 86400, -(10**8), 10**8):
            board.clock_error_s += step_s
            samples = board.samples
            board.live(1800)
            equal((step_s, board.samples - samples >= 5), (step_s, True))

    settled()(check)


def test_the_daily_sign_of_life_is_mailed_with_readings_of_the_day():
    def check(board):
        samples = board.samples
        board.live(3 * 86400)
        equal(kinds(board), [(event.ALIVE, 0)] * 3)
        equal([(one.at_s % 86400) - 27000 for one in board.raised], [0] * 3)
        equal((len(board.mails), board.radio_wakes), (3, 3))
        equal(board.samples - samples, 3 * 24 + 3)

    sensors = [dict(SETTINGS["sensors"][0], every_s=3600)]
    alarms = [dict(SETTINGS["alarms"][0], no_reading_for_s=4 * 3600)]
    settled(changed(alive={"at_s": 27000}, sensors=sensors, alarms=alarms))(check)


class Token:
    """A sign-in: `used_s`, when it was used last."""

    used_s = START_S
    error = None
    asked = 0

    async def credentials(self, heartbeat):
        Token.asked += 1
        if Token.error:
            raise Token.error
        Token.used_s = compat.unix_time()

    def identity(self):
        return None

    def accepted(self):
        pass

    def refused(self, error):
        return False

    def renewal_s(self):
        return Token.used_s + 60 * 86400


def with_tokens(test, settings):
    before = sign_in.of, Token.used_s, Token.error, Token.asked
    sign_in.of = lambda mail: Token()
    try:
        settled(settings)(test)
    finally:
        sign_in.of, Token.used_s, Token.error, Token.asked = before


DAILY = changed(
    sensors=[dict(SETTINGS["sensors"][0], every_s=86400)],
    alarms=[dict(SETTINGS["alarms"][0], no_reading_for_s=4 * 86400)],
)


def test_a_sign_in_that_no_mail_uses_is_renewed():
    def check(board):
        board.live(55 * 86400)
        equal(Token.asked, 0)
        board.live(10 * 86400)
        equal(Token.asked, 1)
        board.live(50 * 86400)
        equal((Token.asked, board.raised), (1, []))

    with_tokens(check, DAILY)


def test_a_renewal_without_wifi_is_tried_daily():
    def check(board):
        board.wifi = False
        board.live(61 * 86400)
        wakes = board.radio_wakes
        board.live(10 * 86400)
        equal((board.radio_wakes - wakes <= 21, Token.asked), (True, 0))  # the clock is due as well
        board.wifi = True
        board.live(2 * 86400)
        equal((Token.asked, board.raised), (1, []))

    with_tokens(check, DAILY)


def test_a_sign_in_that_is_not_renewed_is_told_once_and_tried_daily():
    def check(board):
        Token.error = errors.FixSettings("planned", "aadsts-700082")
        board.live(60 * 86400)
        asked = Token.asked
        equal(asked >= 1, True)
        board.live(3 * 86400)
        equal(Token.asked > asked, True)
        equal(kinds(board), [(event.ALARM, event.SIGN_IN)])
        Token.error = None
        board.live(4 * 3600)
        equal(len(board.mails), 1)

    with_tokens(check, DAILY)


def said(act):
    before, log.level = (list(log._ring), log.level), log.INFO
    log._ring[:] = []
    try:
        act()
        return "\n".join(log._ring)
    finally:
        log._ring[:], log.level = before


def test_after_a_reset_it_says_that_it_is_ready_and_listens():
    def check(board):
        for cause, ready in ((HARD, True), (WDT, True), (DEEPSLEEP, False)):
            board.reset(cause)
            begin_s = board.true_s
            words = said(board.wake)
            equal((cause, "Ready: mailmote " in words), (cause, ready))
            equal((cause, board.true_s - board.slept_s - begin_s >= 10), (cause, ready))

    settled()(check)


def test_a_test_mail_that_somebody_asks_for_is_sent_before_it_sleeps():
    from mailmote.console import Console

    real = Console.run
    answers = []

    async def typed(console, heartbeat):
        await heartbeat.sleep(8)
        console.obey("test-mail", answers.append)

    def check(board):
        del board.raised[:], board.mails[:], answers[:]
        board.reset(HARD)
        begin_s = board.true_s
        board.wake()
        equal(([one.kind for one in board.raised], len(board.mails)), ([event.TEST], 1))
        equal(answers[0]["number"] is not None, True)
        equal(board.true_s - board.slept_s - begin_s >= 17, True)

    Console.run = typed
    try:
        settled()(check)
    finally:
        Console.run = real


def test_other_settings_or_another_firmware_begin_anew():
    def check(board):
        board.sensor = warm_from(board.true_s)
        board.live(2000)
        equal(len(board.raised), 1)
        board.settings["alarms"][0]["above"] = 8.5
        board.write_settings()
        board.live(2000)
        equal(len(board.raised), 2)
        before, battery.__version__ = battery.__version__, "another"
        try:
            board.live(2000)
        finally:
            battery.__version__ = before
        equal((len(board.raised), len(board.mails)), (3, 3))

    settled(changed())(check)


def test_a_board_that_cannot_keep_its_state_and_one_with_a_recording_stay_awake():
    board = Board()

    def check():
        before, battery.rtc.write = battery.rtc.write, lambda section, data: False
        try:
            words = said(lambda: equal(board._run(), None))
        finally:
            battery.rtc.write = before
        equal("keeps nothing in deep sleep: the board stays awake" in words, True)
        driver = sys.modules["mailmote.sensors.planned"].Driver
        driver.paced = False
        try:
            words = said(lambda: equal(board._run(), None))
        finally:
            driver.paced = True
        equal("Cold room is a recording: the board stays awake" in words, True)

    board.on_flash(check)


SENSORS = 16
ALARMS = 32


def full_settings():
    sensors = [dict(SETTINGS["sensors"][0], name="sensor %d" % number) for number in range(SENSORS)]
    alarms = [
        dict(SETTINGS["alarms"][0], name="alarm %d" % number, sensor="sensor %d" % (number % SENSORS))
        for number in range(ALARMS)
    ]
    fallbacks = [dict(SETTINGS["mail"], fallback_after_s=60), dict(SETTINGS["mail"], fallback_after_s=60)]
    return changed(sensors=sensors, alarms=alarms, fallbacks=fallbacks)


def test_sixteen_sensors_and_thirty_two_alarms_that_all_stand_fit_into_the_memory_with_three_readings():
    def check(board):
        board.server = errors.RetryLater("planned")
        board.sensor = warm_from(board.true_s)
        board.live(3000)
        equal((len(board.raised), board.mails), (ALARMS, []))
        head, pace, route, sensor, alarm = 39, 34, 15, 6 + 1, 10 + 4 + 4 + 4 + 18 + 6 + 4
        sum_bytes = head + pace + 3 * route + SENSORS * sensor + ALARMS * alarm
        equal((len(rtc.read(rtc.BATTERY)), sum_bytes), (sum_bytes, 1830))
        equal(len(board.memory) <= 2048 - 64, True)  # and there is room for what counts the crashes
        board.server = None
        board.live(7200)
        equal(board.memory[:4], b"mote")
        equal(len(outbox.Outbox()), 0)

    settled(full_settings())(check)


def test_where_all_of_them_flap_less_is_remembered_and_nothing_is_lost():
    def check(board):
        board.sensor = lambda true_s: 9.0 if true_s // 300 % 2 else 4.0
        board.live(4500)
        board.sensor = lambda true_s: 4.0
        board.live(4500)
        counts, last = {}, {}
        for one in board.raised:
            counts[one.alarm] = counts.get(one.alarm, 0) + one.count
            last[one.alarm] = one.kind
        equal((len(counts), set(last.values())), (ALARMS, {event.RECOVERY}))
        equal(set(counts.values()), {counts["alarm 0"]})
        equal(len(outbox.Outbox()), 0)

    settings = full_settings()
    for alarm in settings["alarms"]:
        alarm["for_s"] = 0
    settled(settings)(check)


def test_what_can_never_be_remembered_keeps_the_board_awake():
    board = Board()

    def check():
        real = wake.rtc.write

        class Full:
            BATTERY = rtc.BATTERY
            read = rtc.read

            @staticmethod
            def write(section, data):
                return False

        wake.rtc = Full
        try:
            words = said(lambda: equal(board._run(), None))
        finally:
            wake.rtc = rtc
        equal(real is rtc.write, True)
        equal("the board stays awake" in words, True)

    board.on_flash(check)


def test_what_goes_wrong_in_a_wake_is_raised():
    board = Board()

    def check():
        def broken(everyone):
            raise RuntimeError("planned")

        one = wake.Wake(board.settings, None, 0, False)
        one._sample = broken
        raises(RuntimeError, asyncio.run, one.run(None))

    from mailmote.policy import stored_settings

    board.settings = stored_settings.load(changed())
    board.on_flash(check)


def test_a_turn_of_the_mailbox_that_is_far_off_is_not_missed_in_sleep():
    def check(board):
        board.server = errors.RetryLater("planned", "unreachable")
        board.sensor = warm_from(board.true_s)
        board.live(1000)
        board.server = None
        board.live(4 * 3600)
        equal(len(board.mails), 1)

    for slot in (0, 125, 250, 375, 499):
        settled(changed(limits={"mailbox_share": 0.002, "mailbox_slot": slot}))(check)
