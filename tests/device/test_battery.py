"""A board that sleeps, from main.py on: real MicroPython on a real littlefs, and the firmware in CPython."""

import pytest
from sessions import RUNTIMES
from test_agent import TIMEOUT_S, mails, settings, tenant

from mailmote_host.tenant.faults import Fault, Reply, Stage
from mailmote_host.tenant.service import serve
from mailmote_host.virtual.board import VirtualBoard
from mailmote_host.virtual.machine_stand_in import EXIT_DEEP_SLEEP

# Always warm; it tells what the firmware has loaded so far.
DRIVER = b"""
import sys
OPTIONS = {}
class Driver:
    paced = True
    def __init__(self, options, board):
        pass
    def read(self, now_s):
        print("loaded: %s." % " ".join(sorted(sys.modules)))
        return now_s, 21.5
"""
# It listens for a shorter time than a person needs.
MAIN = b"""
from mailmote import compat
compat.keep_heap_compact()
from mailmote import start, wake
wake._LISTEN_S = 1
start.main()
"""
# What a wake that tells nothing has no use for: for a person at the console, and for a delivery alone.
LISTENING = ("console", "courier", "errand", "routes", "store.outbox", "net.stream", "net.tls")
DELIVERING = ("letters", "net.session", "smtp.dialogue", "smtp.transaction", "mail.message")
EVERY_S = 3600


@pytest.fixture(params=RUNTIMES)
def runtime(request):
    return request.param


def sleeper(folder, service, runtime, every_s=EVERY_S, for_s=0):
    wanted = settings(service)
    wanted["device"]["power"] = "battery"
    wanted["sensors"] = [{"name": "Room", "driver": "planned", "every_s": every_s, "options": {}}]
    wanted["alarms"] = [
        {"name": "Warm", "sensor": "Room", "severity": "warning", "above": 20, "clear": 20, "for_s": for_s}
    ]
    files = {"lib/mailmote/sensors/planned.py": DRIVER, "main.py": MAIN}
    return VirtualBoard(folder, wanted, {"wifi.password": b"canary-wifi"}, files, runtime=runtime)


def sleeps(board):
    assert board.wait(TIMEOUT_S) == EXIT_DEEP_SLEEP, board.console
    return board.sleep_ms / 1000


def loaded(board):
    return set(board.console.rpartition("loaded: ")[2].partition(".\n")[0].split())


def test_after_power_on_it_is_ready_mails_its_alert_and_sleeps(tmp_path, runtime):
    with serve(tenant()) as service:
        with sleeper(tmp_path, service, runtime) as board:
            board.start()
            assert EVERY_S - 60 <= sleeps(board) <= EVERY_S
            assert board.console.count("Ready: mailmote ") == 1
            assert board.list_files("outbox") == []
            board.start_again()
            assert sleeps(board) <= EVERY_S
            assert "Ready" not in board.console
        (mail,) = mails(service)
        assert mail["Subject"] == "freezer-3: Warm 21.5"
        assert "canary" not in board.console


def test_a_quiet_wake_writes_no_flash_and_loads_nothing_of_the_network(tmp_path, runtime):
    with serve(tenant()) as service:
        with sleeper(tmp_path, service, runtime, every_s=3, for_s=86400) as board:
            board.start()
            sleeps(board)
            heavy = {f"mailmote.{name}" for name in ("agent", *LISTENING, *DELIVERING)}
            assert loaded(board) & heavy == {f"mailmote.{name}" for name in LISTENING}
            board.start_again()  # a reading is due, as it was awake for longer than to the next one
            assert sleeps(board) <= 5
            assert "loaded: " in board.console
            assert not loaded(board) & heavy
            assert "Connected to" not in board.console
            if runtime == "micropython":
                assert board.counters == {"erases": 0, "programmed_bytes": 0}
        assert service.sessions == []


def test_what_waits_is_mailed_after_a_loss_of_power(tmp_path, runtime):
    down = [Fault(Stage("greeting"), Reply("421 4.3.2 Shutting down"), times=1)]
    with serve(tenant(), faults=down) as service:
        with sleeper(tmp_path, service, runtime) as board:
            board.start()
            assert sleeps(board) <= 61
            assert len(board.list_files("outbox")) == 1
            board.start_again()
            assert sleeps(board) <= 61
            assert len(service.sessions) == 1  # a pause lasts over sleep
            board.start()
            sleeps(board)
            assert board.list_files("outbox") == []
        assert len({mail["Message-ID"] for mail in mails(service)}) == 2  # the alarm stands anew


def test_ctrl_c_reaches_it_while_it_listens(tmp_path, runtime):
    with serve(tenant()) as service, sleeper(tmp_path, service, runtime) as board:
        board.start()
        for line in board.lines(TIMEOUT_S):
            if "Ready: mailmote" in line:
                break
        board.stop()
        assert "Stopped by Ctrl-C" in board.console
        assert "Traceback" not in board.console
