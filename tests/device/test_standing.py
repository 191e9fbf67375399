"""An alarm that stands while its board is restarted: people hear of it once, and of its end."""

import pytest
from sessions import RUNTIMES
from test_agent import mails, run_until, settings, tenant

from mailmote_host.tenant.service import serve
from mailmote_host.virtual.board import VirtualBoard

# At each start another value, again and again.
DRIVER = b"""
VALUES = (21.5, 21.6, 21.7, 5.0, 22.5, 23.5)
OPTIONS = {}
class Driver:
    paced = True
    def __init__(self, options, board):
        with open("starts") as file:
            starts = int(file.read())
        with open("starts", "w") as file:
            file.write(str(starts + 1))
        self.value = VALUES[starts]
        self.count = 0
    def read(self, now_s):
        self.count += 1
        print("reading", self.count)
        return now_s, self.value
"""
DELIVERED = "was accepted"


@pytest.fixture(params=RUNTIMES)
def runtime(request):
    return request.param


def board_in(folder, service, runtime):
    wanted = settings(service)
    wanted["sensors"] = [{"name": "Room", "driver": "planned", "every_s": 1, "options": {}}]
    wanted["alarms"] = [
        {"name": "Warm", "sensor": "Room", "severity": "warning", "above": 20, "clear": 20, "for_s": 0}
    ]
    files = {"lib/mailmote/sensors/planned.py": DRIVER, "starts": b"0"}
    return VirtualBoard(folder, wanted, {"wifi.password": b"canary-wifi"}, files, runtime=runtime)


def test_a_restart_tells_nothing_twice_and_the_end_all_the_same(tmp_path, runtime):
    with serve(tenant()) as service, board_in(tmp_path, service, runtime) as board:
        board.start()
        run_until(board, DELIVERED)
        for _ in range(2):
            board.start_again()
            run_until(board, "reading 3")
            assert "is in the outbox" not in board.console
        for _ in range(2):
            board.start_again()
            run_until(board, DELIVERED)
        board.start()  # what was told is lost with the power
        run_until(board, DELIVERED)
    told = [mail["Subject"].partition(": ")[2] for mail in mails(service)]
    assert told == ["Warm 21.5", "OK again, 5 (Warm)", "Warm 22.5", "Warm 23.5"]
