"""The REPLs of the virtual board, octet by octet, with no MicroPython: pyexec.c is the model."""

import pytest

from mailmote_host.virtual import orders
from mailmote_host.virtual.console_output import ConsoleOutput
from mailmote_host.virtual.repl import INTERRUPTED, RESTART, Console, Order, Outcome

BANNER = b"MicroPython v1.25.0\r\nhelp\r\n"
RAW = b"raw REPL; CTRL-B to exit\r\n"
PASTE = b"\x05A\x01"


class Played:
    """A console whose scripts are empty and whose orders are answered at once, with what `answers` tells."""

    def __init__(self):
        self.answers = {}
        self.orders = []
        self._said = bytearray()
        self._console = Console(self._said.extend)
        self._steps = self._console.run()
        self._go_on(next(self._steps))

    def type(self, data, bytewise=False):
        """Type it, whole or octet by octet; what the board said meanwhile."""
        self._said.clear()
        for piece in [data[i : i + 1] for i in range(len(data))] if bytewise else [data]:
            self._console.typed(piece)
            self._go_on(next(self._steps))
        return bytes(self._said)

    @property
    def said(self):
        return bytes(self._said)

    def _go_on(self, order):
        while order is not None:
            self.orders.append(order)
            started = Outcome(BANNER.replace(b"\r\n", b"\n")) if order is RESTART else Outcome()
            order = self._steps.send(self.answers.get(order.content, started))


@pytest.fixture(params=[False, True], ids=["whole", "bytewise"])
def bytewise(request):
    return request.param


def test_power_on_runs_both_scripts_and_greets():
    board = Played()
    assert board.orders == [RESTART, Order(orders.SCRIPT, b"boot.py"), Order(orders.SCRIPT, b"main.py")]
    assert board.said == BANNER + b">>> "


def test_ctrl_a_begins_the_raw_repl_and_ctrl_b_ends_it(bytewise):
    board = Played()
    assert board.type(b"\r\x03\r\x01", bytewise) == b"\r\n>>> \r\n>>> \r\n>>> " + RAW + b">"
    assert board.type(b"\r\x01", bytewise) == RAW + b">"
    assert board.type(b"\r\x02", bytewise) == b"\r\n" + BANNER + b">>> "


def test_ctrl_a_amid_a_line_is_no_command():
    board = Played()
    assert board.type(b"a\x01b\r") == b"ab\r\n>>> "
    assert board.orders[-1] == Order(orders.LINE, b"ab")


def test_raw_code_is_executed_and_its_traceback_comes_after_the_second_mark(bytewise):
    board = Played()
    board.type(b"\x01")
    board.answers[b"fails\n"] = Outcome(b"Traceback\nValueError: x\n")
    assert board.type(b"works\x04", bytewise) == b"OK\x04\x04>"
    assert board.type(b"fails\n\x04", bytewise) == b"OK\x04Traceback\r\nValueError: x\r\n\x04>"
    assert board.orders[-2:] == [Order(orders.RUN, b"works"), Order(orders.RUN, b"fails\n")]
    assert board.type(b"given up\x03works\x04", bytewise) == b"OK\x04\x04>"
    assert board.orders[-1].content == b"works"


def test_raw_paste_opens_its_window_again_each_128_octets(bytewise):
    board = Played()
    board.type(b"\x01")
    for length, windows in ((0, 0), (127, 0), (128, 1), (300, 2)):
        code = bytes(range(32, 132))[:length] * 3
        code = code[:length]
        said = board.type(PASTE + code + b"\x04", bytewise)
        assert said == b"R\x01\x80\x00\x01" + b"\x01" * windows + b"\x04\x04\x04>"
        assert board.orders[-1] == Order(orders.RUN, code)


def test_ctrl_c_ends_a_raw_paste_and_nothing_is_run():
    board = Played()
    board.type(b"\x01")
    before = len(board.orders)
    said = board.type(PASTE + b"secret\x03")
    assert said == b"R\x01\x80\x00\x01\x04\x04" + INTERRUPTED.replace(b"\n", b"\r\n") + b"\x04>"
    assert len(board.orders) == before
    assert board.type(b"works\x04") == b"OK\x04\x04>"


def test_another_kind_of_paste_is_not_supported():
    board = Played()
    board.type(b"\x01")
    assert board.type(b"\x05B\x01") == b"R\x00>"


def test_a_soft_reset_in_raw_mode_runs_boot_only_and_stays_raw():
    board = Played()
    board.type(b"\x01")
    board.orders.clear()
    assert board.type(b"\x04") == b"OK\r\nMPY: soft reboot\r\n" + RAW + b">"
    assert board.orders == [RESTART, Order(orders.SCRIPT, b"boot.py")]
    board.type(b"\x02")
    assert board.type(b"\x04") == b"\r\nMPY: soft reboot\r\n" + BANNER + b">>> "
    assert board.orders[2:] == [
        RESTART,
        Order(orders.SCRIPT, b"boot.py"),
        Order(orders.SCRIPT, b"main.py"),
    ]


@pytest.mark.parametrize(
    ("hard", "said"), [(False, b"MPY: soft reboot\r\n" + RAW + b">"), (True, BANNER + b">>> ")]
)
def test_code_that_ends_micropython_is_a_reset(hard, said):
    board = Played()
    board.type(b"\x01")
    board.answers[b"exit"] = Outcome(ended=True, hard=hard)
    assert board.type(b"exit\x04") == b"OK\x04\x04" + said


def test_an_exception_of_main_is_printed_and_the_prompt_comes():
    board = Played()
    board.answers[b"main.py"] = Outcome(b"Traceback\nKeyError: 1\n")
    assert board.type(b"\x04") == b"\r\nMPY: soft reboot\r\nTraceback\r\nKeyError: 1\r\n" + BANNER + b">>> "


def test_a_line_is_echoed_corrected_and_remembered(bytewise):
    board = Played()
    assert board.type(b"ab\x7fc\r", bytewise) == b"ab\x08\x1b[Kc\r\n>>> "
    assert board.orders[-1] == Order(orders.LINE, b"ac")
    board.type(b"second\r", bytewise)
    assert board.type(b"\x1b[A", bytewise) == b"second"
    assert board.type(b"\x1b[A", bytewise) == b"\x1b[6D\x1b[Kac"
    assert board.type(b"\x1b[A", bytewise) == b""
    assert board.type(b"\x1b[B", bytewise) == b"\x1b[2D\x1b[Ksecond"
    assert board.type(b"\r", bytewise) == b"\r\n>>> "
    assert board.orders[-1] == Order(orders.LINE, b"second")


def test_the_history_holds_lines_of_the_prompt_and_nothing_of_the_raw_repl():
    board = Played()
    board.type(b"\x01in raw\x04" + PASTE + b"pasted\x04\x02")
    assert board.type(b"\x1b[A") == b""
    board.type(b"at the prompt\r")
    assert board.type(b"\x1b[A") == b"at the prompt"
    board.type(b"\x03\x04")
    assert board.type(b"\x1b[A") == b""


def test_text_is_cooked_and_what_is_marked_as_raw_is_not(bytewise):
    output = ConsoleOutput()
    printed = b"a\n\n" + b"\xff\xff\xff\n\r\xff\xff\xff\xff" + orders.KEYS_OFF + b"b\n"
    pieces = [printed[i : i + 1] for i in range(len(printed))] if bytewise else [printed]
    assert b"".join(map(output.cooked, pieces)) == b"a\r\n\r\n\xff\n\r\xff\xffb\r\n"
    assert not output.keys
    output.cooked(orders.KEYS_ON)
    assert output.keys
    assert output.cooked(b"") == b""
