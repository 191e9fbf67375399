"""Crashes, counted over resets of a board whose ticks the test turns, and told in a file."""

import os
import sys

from both_rtc import Clock
from expect import equal
from flash_folder import on_flash

from mailmote import compat, crashes, log, redaction

PWRON, HARD, WDT, DEEPSLEEP, SOFT = 1, 2, 3, 4, 5
UNKNOWN = 0  # as a reset over USB has it
MINUTE_S = 60
HOUR_S = 3600


class Board(Clock):
    """`machine` of a board: its RTC, and the cause of its last reset."""

    PWRON_RESET, HARD_RESET, WDT_RESET = PWRON, HARD, WDT

    def __init__(self):
        super().__init__()
        self.cause = PWRON
        self.now_ms = 5000

    def reset_cause(self):
        return self.cause

    def start(self, cause, after_s=0):
        """The Crashes of a start of this cause; the ticks begin anew."""
        self.cause = cause
        self.now_ms = after_s * 1000
        started = crashes.Crashes()
        started.begin(180)
        return started

    def run(self, seconds):
        self.now_ms += seconds * 1000


def on_board(test):
    """Run `test(board)` with an empty flash, silently."""
    board = Board()
    before = compat.ticks_ms, log.level, list(log._ring), list(redaction._secrets), sys.modules.get("machine")
    compat.ticks_ms, log.level, log._ring[:] = lambda: board.now_ms, 100, []
    sys.modules["machine"] = board  # pyright: ignore[reportArgumentType] - any object will do
    try:
        on_flash(lambda: test(board))
    finally:
        compat.ticks_ms, log.level, log._ring[:], redaction._secrets[:] = before[:4]
        sys.modules.pop("machine")
        if before[4] is not None:
            sys.modules["machine"] = before[4]


def caught(error):
    """The exception with a traceback."""
    try:
        raise error
    except Exception as raised:
        return raised


def fail(started, text="planned"):
    return started.failed("The task courier", caught(ValueError(text)))


def into_safe_mode(board, cause=PWRON):
    started = board.start(cause)
    equal((started.safe, [fail(started) for _ in range(3)]), (False, [False, False, True]))
    started.ended()
    safe = board.start(HARD)
    equal(safe.safe, True)
    return safe


def test_three_failures_within_ten_minutes_want_a_restart_in_safe_mode():
    def check(board):
        started = board.start(PWRON)
        equal(fail(started), False)
        board.run(5 * MINUTE_S)
        equal(fail(started), False)
        board.run(5 * MINUTE_S)
        equal(fail(started), True)
        started.ended()
        equal(board.start(HARD).safe, True)

    on_board(check)


def test_failures_that_are_further_apart_want_none():
    for apart_s, failures, looping in (
        (5 * MINUTE_S + 1, 5, False),
        (5 * MINUTE_S + 1, 6, True),  # as of a program that hangs some minutes after each start
        (72 * MINUTE_S, 6, True),
        (72 * MINUTE_S + 1, 12, False),
    ):

        def check(board, apart_s=apart_s, failures=failures, looping=looping):
            started = board.start(PWRON)
            wanted = [False] * (failures - 1) + [looping]
            found = []
            for _ in range(failures):
                found.append(fail(started))
                board.run(apart_s if len(found) < failures else 0)
            equal((apart_s, found), (apart_s, wanted))
            started.ended()
            equal(board.start(HARD).safe, looping)

        on_board(check)


def test_a_start_knows_that_it_follows_a_crash():
    def check(board):
        started = board.start(PWRON)
        equal(started.after_one, False)
        started.ended()
        equal(board.start(HARD).after_one, False)  # a reset that was asked for
        equal(board.start(WDT).after_one, True)  # it hung
        started = board.start(WDT)
        fail(started)
        started.ended()
        started = board.start(HARD)
        equal(started.after_one, True)  # a task had failed
        started.ended()
        equal(board.start(HARD).after_one, False)
        equal(board.start(PWRON).after_one, False)

    on_board(check)


def test_crashes_are_counted_over_resets_by_the_time_that_the_board_ran():
    def check(board):
        for ran_s, safe in ((199, True), (301, False)):
            board.start(PWRON)
            starts = []
            for _ in range(3):
                board.run(ran_s)
                keep = crashes.Crashes()  # what going_on() of the run would have kept
                keep._load()
                keep._before_s += ran_s
                keep._save()
                starts.append(board.start(HARD).safe)
            equal((ran_s, starts), (ran_s, [False, False, safe]))

    on_board(check)


def test_the_time_goes_on_while_the_agent_says_so_and_no_clock_is_asked():
    def check(board):
        started = board.start(PWRON)
        fail(started)
        fail(started)
        board.run(11 * MINUTE_S)
        started.going_on()
        later = board.start(HARD)  # a third crash, but not within ten minutes
        equal((later.safe, fail(later), fail(later)), (False, False, True))

    before = compat.unix_time
    compat.unix_time = None  # nobody calls it
    try:
        on_board(check)
    finally:
        compat.unix_time = before


def test_a_reset_while_the_agent_runs_is_a_crash_and_any_other_is_none():
    def check(board):
        for cause, crash in (
            (WDT, True),
            (HARD, True),
            (SOFT, False),
            (DEEPSLEEP, False),
            (UNKNOWN, False),
            (PWRON, False),
        ):
            board.start(PWRON)
            equal((cause, [board.start(cause).safe for _ in range(3)]), (cause, [False, False, crash]))
        for cause in (WDT, HARD):
            started = board.start(PWRON)
            for _ in range(4):
                started.ended()  # by Ctrl-C, or after what it has counted already
                started = board.start(cause)
            equal((cause, started.safe), (cause, False))

    on_board(check)


def test_a_hang_is_as_long_as_the_watchdog_waits():
    def check(board):
        board.start(PWRON)
        equal([board.start(WDT)._lived_s() for _ in range(3)], [180, 360, 540])

    on_board(check)


def test_safe_mode_lasts_an_hour_over_resets_and_then_the_board_starts_normally():
    def check(board):
        safe = into_safe_mode(board)
        equal(safe.safe_left_s(), HOUR_S)
        board.run(HOUR_S // 2)
        safe.going_on()
        for cause in (WDT, HARD, SOFT):
            safe = board.start(cause)
            equal((cause, safe.safe, fail(safe)), (cause, True, False))
        equal(safe.safe_left_s(), HOUR_S // 2 - 180)
        board.run(HOUR_S)
        equal(safe.safe_left_s() < 0, True)
        safe.ended()
        normal = board.start(HARD)
        equal((normal.safe, fail(normal), fail(normal), fail(normal)), (False, False, False, True))

    on_board(check)


def leave(board, safe):
    safe.leave()
    safe.ended()
    return board.start(HARD)


def test_safe_mode_doubles_up_to_four_hours_while_crashes_go_on():
    def check(board):
        safe = into_safe_mode(board)
        lasted_s = [safe.safe_left_s()]
        for _ in range(3):
            leave(board, safe).ended()
            safe = into_safe_mode(board, cause=HARD)
            lasted_s.append(safe.safe_left_s())
        equal(lasted_s, [HOUR_S, 2 * HOUR_S, 4 * HOUR_S, 4 * HOUR_S])
        normal = leave(board, safe)
        board.run(HOUR_S + 1)
        normal.ended()
        equal(into_safe_mode(board, cause=HARD).safe_left_s(), HOUR_S)

    on_board(check)


def test_a_person_and_a_pulled_plug_end_safe_mode():
    def check(board):
        safe = into_safe_mode(board)
        safe.forgive()
        safe.ended()
        normal = board.start(WDT)
        equal((normal.safe, fail(normal)), (False, False))
        normal.ended()
        into_safe_mode(board)
        equal(board.start(PWRON).safe, False)

    on_board(check)


def test_safe_mode_is_announced_once_over_resets_and_the_next_one_again():
    def check(board):
        safe = into_safe_mode(board)
        equal(safe.announced, False)
        safe.announce()
        equal((safe.announced, board.start(WDT).announced), (True, True))
        leave(board, board.start(HARD)).ended()
        equal(into_safe_mode(board, cause=HARD).announced, False)

    on_board(check)


def test_without_memory_in_the_rtc_no_restart_is_wanted_as_it_would_not_help():
    class Bare:
        PWRON_RESET, HARD_RESET, WDT_RESET = PWRON, HARD, WDT

        def RTC(self):  # noqa: N802 - the name it has on a board
            return object()

        def reset_cause(self):
            return HARD

    def check(board):
        sys.modules["machine"] = Bare()  # pyright: ignore[reportArgumentType] - any object will do
        started = crashes.Crashes()
        started.begin(180)
        equal([fail(started) for _ in range(4)], [False] * 4)

    on_board(check)


def test_the_text_has_what_failed_the_traceback_and_the_last_lines_of_the_log():
    def check(board):
        equal(crashes.text(), "")
        log.level = log.ERROR
        log.error("courier", "a line")
        log.error("courier", "the last line")
        log.level = 100
        fail(board.start(PWRON), "planned")
        lines = crashes.text().split("\n")
        equal(lines[0], "The task courier failed: ValueError: planned")
        equal(lines[1], "Traceback (most recent call last):")
        middle = lines.index("The last lines of the log:")
        equal((lines[middle - 2], lines[middle - 1]), ("ValueError: planned", ""))
        equal([line.split(": ", 1)[1] for line in lines[middle + 1 :]], ["a line", "the last line"])
        equal(os.listdir("state"), ["crash.txt"])

    on_board(check)


def test_no_secret_is_in_the_text_even_where_it_is_cut():
    def check(board):
        redaction.hide("canary-password")
        started = board.start(PWRON)
        for before in range(190):
            fail(started, "x" * before + "canary-password" + "y" * 3000)
            equal((before, "canary" in crashes.text()), (before, False))
        fail(started, "canary-password")
        equal(crashes.text().split("\n")[0], "The task courier failed: ValueError: ***")

    on_board(check)


def test_the_text_is_bounded_and_plain_whatever_the_exception_says():
    def check(board):
        started = board.start(PWRON)
        for text in ("\U0001f9ca" * 4000, "line\r\n" * 1000, "\x00\x1b[2J\x7f", ""):
            log._ring[:] = ["\U0001f9ca" * 600] * 8
            fail(started, text)
            told = crashes.text()
            equal(len(told.encode()) <= 1500, True)
            equal([character for character in told if character < " " and character != "\n"], [])
            equal("The task courier failed" in told, True)

    on_board(check)


def test_the_text_is_of_the_crash_that_led_to_safe_mode():
    def check(board):
        safe = into_safe_mode(board)
        fail(safe, "another")
        safe.silent(["courier"])
        board.start(WDT)
        equal("planned" in crashes.text(), True)

    on_board(check)


def test_a_reset_is_told_by_what_was_known_before_it_or_as_such():
    def check(board):
        fail(board.start(PWRON))
        board.start(WDT)
        equal("planned" in crashes.text(), True)
        board.start(WDT)
        equal(crashes.text().startswith("The board was reset while it worked"), True)
        board.start(PWRON).silent(["courier", "link"])
        board.start(WDT)
        equal(crashes.text().split("\n")[0], "No sign of life from courier, link.")

    on_board(check)


def test_a_flash_that_fails_keeps_no_text_and_stops_nothing():
    def check(board):
        with open("state", "wb") as file:
            file.write(b"a file where the folder should be")
        started = board.start(PWRON)
        equal([fail(started) for _ in range(3)], [False, False, True])
        equal(crashes.text(), "")

    on_board(check)


def test_a_cut_while_the_text_is_written_leaves_the_old_one():
    def check(board):
        fail(board.start(PWRON))
        with open("state/crash.tmp", "wb") as file:
            file.write(b"half a te")
        equal("planned" in crashes.text(), True)
        fail(board.start(PWRON), "another")
        equal("another" in crashes.text(), True)

    on_board(check)


def test_want_of_memory_loses_the_text_and_not_the_count():
    def check(board):
        before, log.traceback = log.traceback, raise_memory_error
        try:
            started = board.start(PWRON)
            equal([fail(started) for _ in range(3)], [False, False, True])
        finally:
            log.traceback = before
        started.ended()
        equal(board.start(HARD).safe, True)

    on_board(check)


def raise_memory_error(*_):
    raise MemoryError("planned")


def test_of_a_board_that_sleeps_the_sleep_counts_and_rare_crashes_want_no_safe_mode():
    def check(board):
        started = board.start(PWRON)
        for _ in range(3):
            equal(fail(started), False)
            board.run(2)
            started.ended(8 * HOUR_S)
            started = board.start(DEEPSLEEP)
        equal(started.safe, False)
        for expected in (False, False, True):
            equal(fail(started), expected)
            board.run(2)
            started.ended(60)
            started = board.start(DEEPSLEEP)
        equal(started.safe, True)

    on_board(check)
