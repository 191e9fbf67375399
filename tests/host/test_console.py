"""Asking a board that runs: answers are found among whatever else it says, and silence is explained."""

import json
import os
import select
import threading

import pytest
from terminal import Terminal

from mailmote_host.board import console
from mailmote_host.board.console import ConsoleError

LIMIT_S = 20  # a test that fails ends
STATUS = b'\x1e{"answer": "status", "name": "freezer-3"}\r\n'
NOISE = b"\xff\x00\x1e{broken\r\n\x1e[1]\r\n   1.000 I courier: half a li\x1e"


class Board:
    """At the other end of a pseudo-terminal: `replies(typed)` is what it says to what is typed."""

    def __init__(self, replies):
        self._terminal = Terminal()
        self._end, self.port = self._terminal.board_end, self._terminal.name
        self._replies = replies
        self._stop, self._stopped = os.pipe()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self):
        while self._stop not in (ready := select.select([self._end, self._stop], [], [])[0]):
            if ready:
                os.write(self._end, self._replies(os.read(self._end, 1000)))

    def close(self):
        os.write(self._stopped, b"x")
        self._thread.join()
        self._terminal.close()
        os.close(self._stop)
        os.close(self._stopped)


@pytest.fixture
def board():
    made = []

    def make(replies):
        made.append(Board(replies))
        return made[-1].port

    yield make
    for one in made:
        one.close()


def test_an_answer_is_found_among_log_lines_noise_and_echo(board):
    heard = []

    def replies(typed):
        return typed + NOISE + STATUS[1:] + b"   2.000 I wifi: x\r\n"

    with console.open(board(replies), heard.append) as one:
        assert one.ask("status", LIMIT_S)["name"] == "freezer-3"
        for _ in one.lines(0.3):
            pass
    assert [line.text for line in heard if line.kind == "log"] == ["half a li", "x"]
    assert any(b"\xff" in line.raw for line in heard)


def test_a_question_that_a_starting_board_lost_is_asked_again(board, monkeypatch):
    monkeypatch.setattr(console, "_ASK_AGAIN_S", 0.2)
    asked = []

    def replies(typed):
        asked.append(typed)
        return STATUS if len(asked) == 2 else b"ets Jul 29 2019\r\n"

    with console.open(board(replies)) as one:
        assert one.ask("status", LIMIT_S)["name"] == "freezer-3"
    assert asked == [b"\x02\rstatus\r"] * 2


def test_a_test_mail_is_asked_for_once(board, monkeypatch):
    monkeypatch.setattr(console, "_ASK_AGAIN_S", 0.1)
    asked = []

    def replies(typed):
        asked.append(typed)
        return b"."

    with console.open(board(replies)) as one, pytest.raises(ConsoleError):
        one.ask("test-mail", 0.6, once=True)
    assert len(asked) == 1


def test_an_answer_about_another_alert_is_not_taken(board):
    answers = [{"answer": "alert", "number": number, "state": "waiting"} for number in (1, 12, 2)]
    said = b"".join(b"\x1e" + json.dumps(answer).encode() + b"\r\n" for answer in answers)
    with console.open(board(lambda typed: said)) as one:
        assert one.ask("alert 2", LIMIT_S)["number"] == 2


def test_a_list_that_lost_a_line_is_asked_for_again(board, monkeypatch):
    monkeypatch.setattr(console, "_ASK_AGAIN_S", 0.2)
    lines = [b'\x1e{"answer": "alert", "number": %d}\r\n' % number for number in (1, 2)]
    end = b'\x1e{"answer": "alerts", "listed": 2}\r\n'
    turns = [lines[0] + b"\x1e{lost\r\n" + end, lines[0] + lines[1] + end]
    with console.open(board(lambda typed: turns.pop(0))) as one:
        alerts, totals = one.alerts(LIMIT_S)
    assert ([alert["number"] for alert in alerts], totals["listed"]) == ([1, 2], 2)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (b"\r\n>>> status\r\nNameError\r\n>>> ", "MicroPython waits at its prompt"),
        (b"Hello, world\r\n", "runs another program"),
        (b"", "said nothing"),
    ],
)
def test_a_board_that_does_not_answer_is_explained(board, said, words):
    with console.open(board(lambda typed: said)) as one, pytest.raises(ConsoleError, match=words) as caught:
        one.ask("status", 0.5)
    assert "`mailmote " in str(caught.value)
