"""Many boards at once: order, failures, a stop, and where the next run goes on."""

import json
import threading

import pytest

from mailmote_host.board.fleet import DONE, FAILED, STOPPED, Board, Fleet, Stopped
from mailmote_host.errors import HostError

NO_RESULT = '{"version": 1, "boards": [{"port": "P0", "digest": "1", "state": "done"}]}'


def boards(count, digest="1"):
    return [Board(f"P{number}", f"mote-{number}", digest) for number in range(count)]


@pytest.fixture
def report(tmp_path):
    return tmp_path / "fleet.report.json"


def run(fleet, work, at_once=4):
    for _ in fleet.run(work, at_once):
        pass


def states(fleet):
    return [board.state for board in fleet.boards]


def test_every_board_is_served_several_at_once(report):
    together = threading.Barrier(3, timeout=30)  # passes only if three are at work at the same time
    fleet = Fleet(boards(6), report)

    def work(index, tell):
        tell("copying", 0.5)
        together.wait()
        return {"copied": index}

    run(fleet, work, at_once=3)
    assert states(fleet) == [DONE] * 6
    assert [board.result for board in fleet.boards] == [{"copied": index} for index in range(6)]
    assert fleet.failed == 0


def test_a_failure_is_its_own_and_is_counted(report):
    fleet = Fleet(boards(4), report)

    def work(index, tell):
        if index == 0:
            raise HostError("There is no port P0. Plug it in.")
        if index == 1:
            raise RuntimeError("canary-secret")
        if index == 2:
            raise OSError(28, "No space left on device", "backup")
        return {}

    run(fleet, work)
    assert (states(fleet), fleet.failed) == ([FAILED, FAILED, FAILED, DONE], 3)
    assert "No space left on device: 'backup'. Check the path" in fleet.boards[2].error
    kept = report.read_text()
    assert "There is no port P0. Plug it in." in kept
    assert "fault of mailmote itself (RuntimeError in test_fleet.py line" in kept
    assert "canary" not in kept


def test_the_next_run_goes_on_with_what_is_not_done(report):
    fleet = Fleet(boards(3), report)

    def first(index, tell):
        if index == 1:
            raise HostError("unplugged")
        return {"copied": 7}

    run(fleet, first)
    served = []
    again = Fleet(boards(3), report)
    run(again, lambda index, tell: served.append(index) or {})
    assert served == [1]
    assert states(again) == [DONE] * 3
    assert again.boards[0].result == {"copied": 7}
    changed = Fleet(boards(3, digest="2"), report)
    assert changed.failed == 3
    assert Fleet(boards(3), report, again=True).failed == 3


def test_a_report_tells_what_is_so_when_its_turn_to_be_written_has_come(report):
    fleet = Fleet(boards(2), report)

    class Turn:
        """Meanwhile the second board gets done."""

        def __enter__(self):
            fleet.boards[1].state = DONE

        def __exit__(self, *_):
            pass

    fleet._lock = Turn()
    fleet._save()
    assert [board["state"] for board in json.loads(report.read_text())["boards"]][1] == DONE


def test_another_board_in_the_place_of_one_that_was_done_is_served(report):
    run(Fleet(boards(3), report), lambda index, tell: {"board_id": f"chip-{index}"})
    before = json.loads(report.read_text())["boards"]
    again, served = Fleet(boards(3), report), []

    def work(index, tell):
        served.append(index)
        return {"board_id": "another"}

    def recognise(index, result, tell):
        assert result == {"board_id": f"chip-{index}"}
        return index != 1

    for _ in again.run(work, 1, recognise):
        pass
    assert served == [1]
    assert [(board.state, board.before) for board in again.boards] == [
        (DONE, True),
        (DONE, False),
        (DONE, True),
    ]
    assert [board.result["board_id"] for board in again.boards] == ["chip-0", "another", "chip-2"]
    assert again.boards[0].at == before[0]["at"]


def test_a_stop_leaves_what_was_done_before_done(report):
    run(Fleet(boards(2), report), lambda index, tell: {})

    def stopped(index, result, tell):
        raise Stopped

    going = Fleet(boards(2), report).run(lambda index, tell: {}, 1, stopped)
    next(going)
    going.close()
    assert [board["state"] for board in json.loads(report.read_text())["boards"]] == [DONE, DONE]
    assert states_of_a_third_run(report) == [DONE, DONE]


def states_of_a_third_run(report):
    fleet, served = Fleet(boards(2), report), []
    run(fleet, lambda index, tell: served.append(index) or {})
    assert served == []
    return states(fleet)


def test_a_stop_begins_nothing_more_and_ends_what_is_at_work(report):
    begun = threading.Event()
    fleet = Fleet(boards(3), report)
    served = []

    def work(index, tell):
        served.append(index)
        begun.set()
        while True:
            tell("copying", 0.1)

    going = fleet.run(work, 1)
    next(going)
    assert begun.wait(30)
    going.close()
    assert served == [0]
    assert STOPPED in states(fleet)
    assert DONE not in states(fleet)
    assert {board["state"] for board in json.loads(report.read_text())["boards"]} <= {STOPPED, "waiting"}


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        '{"version": 2, "boards": []}',
        '{"version": 1, "boards": [{}]}',
        '{"version": 1, "boards": [7]}',
        NO_RESULT,
    ],
)
def test_a_file_that_is_no_report_is_not_written_over(report, content):
    report.write_text(content)
    with pytest.raises(HostError, match="is no report of mailmote"):
        Fleet(boards(1), report)
    assert report.read_text() == content


def test_a_report_that_cannot_be_written_is_told_before_a_board_is_touched(tmp_path):
    fleet, served = Fleet(boards(2), tmp_path / "nowhere" / "report.json"), []
    with pytest.raises(OSError):
        run(fleet, lambda index, tell: served.append(index) or {})
    assert served == []
