"""A board that crashes again and again, on both runtimes: safe mode, one mail that tells why, and back."""

import pytest
from sessions import RUNTIMES
from test_agent import TIMEOUT_S, mails, run_until, settings, tenant

from mailmote_host.tenant.service import serve
from mailmote_host.virtual import machine_stand_in
from mailmote_host.virtual.board import VirtualBoard

# A driver that crashes its task at each of the first starts, with a secret in what it says.
DRIVER = b"""
OPTIONS = {}
class Driver:
    paced = True
    def __init__(self, options, board):
        pass
    def read(self, now_s):
        with open("crashes-left") as file:
            left = int(file.read())
        if left:
            with open("crashes-left", "w") as file:
                file.write(str(left - 1))
            raise MemoryError("no room beside canary-wifi")
        return now_s, 20.0
"""
# As fast as a test wants it, and idle in between, so that Ctrl-C finds it waiting; what is counted stays.
MAIN = b"""
from mailmote import compat
compat.keep_heap_compact()
from mailmote import crashes, start, supervisor
supervisor._RESTART_S, supervisor._CHECK_S = 0, 0.05
crashes._SAFE_S = %d
start.main()
"""
HEAP = "320K"  # what a mail takes is the heap tests' to say
HANGS = DRIVER.replace(b"if left:", b"while left:\n            pass\n        if left:")


@pytest.fixture(params=RUNTIMES)
def runtime(request):
    return request.param


def board_with(folder, service, runtime, crashes_left, safe_s=3600, driver=DRIVER):
    wanted = settings(service)
    wanted["sensors"] = [{"name": "Broken", "driver": "broken", "every_s": 1, "options": {}}]
    wanted["alarms"] = []
    files = {
        "lib/mailmote/sensors/broken.py": driver,
        "crashes-left": str(crashes_left).encode(),
        "main.py": MAIN % safe_s,
    }
    secrets = {"wifi.password": b"canary-wifi"}
    return VirtualBoard(folder, wanted, secrets, files, runtime=runtime, heapsize=HEAP)


def until_line(board, words):
    for line in board.lines(TIMEOUT_S):
        if words in line:
            return
    raise AssertionError(board.console)


def until_reset(board):
    assert board.wait(TIMEOUT_S) == machine_stand_in.EXIT_HARD_RESET, board.console
    return board.console


def test_three_crashes_lead_to_safe_mode_and_one_mail_and_then_back_to_normal(tmp_path, runtime):
    with serve(tenant()) as service, board_with(tmp_path, service, runtime, 3, safe_s=12) as board:
        board.start()
        console = until_reset(board)
        assert console.count("The task sensor Broken failed") == 3
        assert "It starts again, in safe mode." in console
        board.start_again()
        service.wait_for(1, TIMEOUT_S)
        console = until_reset(board)
        assert "Safe mode: the board crashed again and again" in console
        assert "0 sensors, 0 alarms" in console
        assert "Safe mode is over. The board starts normally." in console
        board.start_again()
        console = run_until(board, "1 sensors")
        assert "Safe mode" not in console
        assert board.list_files("outbox") == []
        assert board.list_files("state").count("crash.txt") == 1
        (mail,) = mails(service)
        body = mail.get_content()
        assert "freezer-3" in mail["Subject"]
        assert "The task sensor Broken failed: MemoryError: no room beside ***" in body
        assert "Traceback (most recent call last):" in body
        assert "in read" in body
        assert "The last lines of the log:" in body
        assert "canary" not in body + board.console + console


def test_safe_mode_goes_on_over_resets_and_is_told_once(tmp_path, runtime):
    with serve(tenant()) as service, board_with(tmp_path, service, runtime, 99) as board:
        board.start()
        until_reset(board)
        for reset in range(3):
            board.start_again(watchdog=reset > 0)
            until_line(board, "Safe mode: the board crashed" if reset else '"Safe mode" was accepted')
            board.cut_power()  # in the middle of it; that it is a reset says the next start
        board.start_again(watchdog=True)
        run_until(board, "Safe mode: the board crashed")
        assert board.list_files("outbox") == []
        assert len(service.messages) == 1
        assert "failed" not in board.console


def test_whoever_presses_ctrl_c_gets_a_board_that_starts_normally(tmp_path, runtime):
    with serve(tenant()) as service, board_with(tmp_path, service, runtime, 3) as board:
        board.start()
        until_reset(board)
        board.start_again()
        run_until(board, "Safe mode: the board crashed")
        board.start_again(watchdog=True)
        assert "1 sensors" in run_until(board, "Ready: mailmote")


def test_a_program_that_hangs_is_told_after_three_resets_by_the_watchdog(tmp_path, runtime):
    with serve(tenant()) as service, board_with(tmp_path, service, runtime, 99, driver=HANGS) as board:
        board.start()
        for _ in range(3):
            until_line(board, "Ready: mailmote")
            board.cut_power()
            board.start_again(watchdog=True)
        service.wait_for(1, TIMEOUT_S)
        board.stop()
        assert "Safe mode: the board crashed" in board.console
        (mail,) = mails(service)
        assert "The board was reset while it worked" in mail.get_content()


def test_what_a_person_does_is_no_crash(tmp_path, runtime):
    with serve(tenant()) as service, board_with(tmp_path, service, runtime, 0) as board:
        board.start()
        for _ in range(4):
            assert "1 sensors" in run_until(board, "Ready: mailmote")
            board.start_again(watchdog=True)  # which nobody feeds after Ctrl-C
        assert "1 sensors" in run_until(board, "Ready: mailmote")
