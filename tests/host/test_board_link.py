"""The link to a board: a board in a process on a real pseudo-terminal, and ports where there is none."""

import contextlib
import inspect
import os
import threading
import time
from types import SimpleNamespace

import pytest
import serial
from mpremote.transport import TransportError
from mpremote.transport_serial import SerialTransport
from terminal import Terminal

from mailmote_host.board import link, ports
from mailmote_host.virtual.serial_board import SerialBoard

TIMEOUT_S = 20
SECRET = "hunter2-canary"


@pytest.fixture
def make(make):
    """A board that runs, with this main.py."""
    return lambda main=b"": make({"main.py": main})


@pytest.fixture
def stranger():
    """A port whose other side says to each press of Ctrl-A the next of these, and then the last again."""
    made = []

    def make(*says):
        waiting = list(says)
        terminal = Terminal()

        def answer():
            with contextlib.suppress(OSError):  # the test has ended
                while heard := os.read(terminal.board_end, 100):
                    if b"\x01" in heard:
                        os.write(terminal.board_end, waiting.pop(0) if waiting[1:] else waiting[0])

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        made.append((terminal, thread))
        return terminal.name

    yield make
    for terminal, thread in made:
        terminal.let_go()
        thread.join()
        terminal.close()


def test_code_runs_and_names_last_until_the_board_is_let_go(make):
    board = make()
    with link.open(board.port) as opened:
        assert opened.run("kept = 6 * 7", TIMEOUT_S) == b""
        assert opened.run("print(kept)\nprint('\\xe9')", TIMEOUT_S) == "42\r\né\r\n".encode()
        assert opened.run("print('x' * 20000)", TIMEOUT_S) == b"x" * 20000 + b"\r\n"
        assert opened.run(f"print(len({'x' * 20000!r}))", TIMEOUT_S) == b"20000\r\n"
    with link.open(board.port) as opened, pytest.raises(link.CodeError) as caught:
        opened.run("print(kept)", TIMEOUT_S)
    assert caught.value.kind == "NameError"


def test_the_program_of_the_board_is_stopped_first_and_started_when_it_is_let_go(make):
    """A board that was left in its REPL would send no alert."""
    board = make(b"""
import time
with open("starts", "a") as file:
    file.write("x")
while True:
    time.sleep(60)
""")
    with link.open(board.port) as opened:
        assert opened.run("print(open('starts').read())", TIMEOUT_S) == b"x\r\n"
    with link.open(board.port) as opened:
        assert opened.run("print(open('starts').read())", TIMEOUT_S) == b"xx\r\n"


@pytest.mark.parametrize(
    ("code", "kind", "text"),
    [
        (
            f"raise ValueError('{SECRET}')",
            "ValueError",
            "met an error (ValueError) .* install its firmware anew",
        ),
        (f"{{}}['{SECRET}']", "KeyError", "(KeyError)"),
        (f"raise OSError(28, '{SECRET}')", "OSError", "(OSError 28)"),
        ("raise OSError(-4354)", "OSError", "(OSError -4354)"),
        (f"import missing_{SECRET.replace('-', '_')}", "ImportError", "firmware of mailmote is missing"),
        (f"''.absent_{SECRET.replace('-', '_')}", "AttributeError", "firmware is of another version"),
        ("bytearray(10_000_000)", "MemoryError", "reset button"),
        (f"'{SECRET}' '", "SyntaxError", "(SyntaxError)"),
        (f"class Odd(Exception): pass\nraise Odd('a\\ncanary: {SECRET}')", "Odd", "(Odd)"),
        ("raise type('x' * 50, (Exception,), {})", "an exception", "(an exception)"),
    ],
)
def test_an_exception_on_the_board_is_told_by_its_class_and_the_link_lives_on(make, code, kind, text):
    with link.open(make().port) as opened:
        with pytest.raises(link.CodeError, match=text.replace("(", r"\(").replace(")", r"\)")) as caught:
            opened.run(code, TIMEOUT_S)
        assert caught.value.kind == kind
        assert caught.value.__cause__ is caught.value.__context__ is None
        assert "canary" not in repr(caught.value)
        assert opened.run("print(1)", TIMEOUT_S) == b"1\r\n"


def test_silent_code_is_an_error_and_letting_go_stops_it(make):
    board = make(b"print('main runs')")
    with link.open(board.port) as opened, pytest.raises(link.LinkError) as caught:
        opened.run(f"import time\nname = '{SECRET}'\ntime.sleep(600)", 0.5)
    assert str(caught.value) == (
        f"The board on {board.port} stopped answering. Press its reset button, then try again."
    )
    assert caught.value.__cause__ is caught.value.__context__ is None
    deadline_s = time.monotonic() + TIMEOUT_S
    while board.said.count(b"main runs") < 2:
        assert time.monotonic() < deadline_s, board.said
        time.sleep(0.01)


def test_a_port_that_goes_away(tmp_path):
    with SerialBoard(tmp_path / "board", {}) as board:
        board.start()
        opened = link.open(board.port)
    with pytest.raises(ports.PortError) as caught:
        opened.run(f"name = '{SECRET}'", 0.5)
    assert str(caught.value) == (
        f"The port {board.port} went away. See that the board is plugged in firmly, then try again."
    )
    assert caught.value.__cause__ is caught.value.__context__ is None
    opened.close()


def test_a_port_that_is_in_use_and_is_free_once_it_is_let_go(make):
    board = make()
    with link.open(board.port), pytest.raises(ports.PortError, match="is in use by"):
        link.open(board.port)
    link.open(board.port).close()


def test_a_port_that_cannot_be_opened_is_told_as_any_port_is():
    """What there may be to tell is tested with `ports`."""
    with pytest.raises(ports.PortError, match="There is no port /dev/ttyNONE") as caught:
        link.open("/dev/ttyNONE")
    assert caught.value.__cause__ is caught.value.__context__ is None


def test_a_port_that_stays_silent(stranger, capsys):
    port = stranger(b"")
    with pytest.raises(link.LinkError, match=f"^Nothing answers on {port}. Press the board's reset button"):
        link.open(port, timeout_s=0.3)
    assert capsys.readouterr() == ("", "")
    serial.Serial(port, exclusive=True).close()


def test_a_port_where_something_else_answers(stranger, capsys):
    port = stranger(b"login: ")
    with pytest.raises(
        link.LinkError, match=f"^What answers on {port} is not MicroPython, .*`mailmote flash`"
    ) as caught:
        link.open(port, timeout_s=0.3)
    assert caught.value.__cause__ is caught.value.__context__ is None
    assert capsys.readouterr() == ("", "")
    serial.Serial(port, exclusive=True).close()


def test_a_board_that_is_starting_and_hears_nothing_is_asked_again(stranger, monkeypatch, capsys):
    """Its ROM talks meanwhile. What comes then is not MicroPython's answer to a reset, so it ends there."""
    monkeypatch.setattr(link, "_PRESS_AGAIN_S", 0.1)
    asked = []
    entered = SerialTransport.enter_raw_repl
    monkeypatch.setattr(
        SerialTransport, "enter_raw_repl", lambda *a, **o: (asked.append(1), entered(*a, **o))
    )
    banner = b"raw REPL; CTRL-B to exit\r\n>"
    for says in ((b"", b"rst:0x1", b"", banner), (b"", b"raw REPL; CTRL-B", banner)):
        with pytest.raises(link.LinkError, match="is not MicroPython"):
            link.open(stranger(*says), timeout_s=1.5)
    assert asked == [1, 1] * 2  # with a soft reset, and without
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    "files",
    [
        {"main.py": b"import time, machine\ntime.sleep(0.3)\nmachine.reset()\n"},
        {"main.py": b"while True:\n    print('flood' * 100)\n"},
        {"boot.py": b"import time\nwhile True:\n    time.sleep(1)\n"},
        {"boot.py": b"import time, machine\ntime.sleep(0.3)\nmachine.reset()\n"},
    ],
    ids=["main resets", "main floods", "boot never ends", "boot resets"],
)
def test_a_board_whose_own_program_is_in_the_way(tmp_path, files):
    with SerialBoard(tmp_path / "board", files) as board:
        board.start()
        with link.open(board.port, timeout_s=5) as opened:
            assert opened.run("print(6 * 7)", TIMEOUT_S) == b"42\r\n"


def test_an_answer_of_before_is_not_taken_for_one(monkeypatch):
    """It waited in the port, and the board has started anew since and talks on."""
    pressed = []
    waiting = [link._RAW_REPL + b"flood" * 10] + [b"flood"] * 40

    class Talking:
        timeout, in_waiting = 0.05, 0

        def write(self, data):
            pressed.append(data)
            if len(pressed) == 2:
                waiting[:] = [link._RAW_REPL]

        def read(self, count):
            return waiting.pop(0) if count and waiting else b""

    monkeypatch.setattr(link, "_QUIET_WITHIN_S", 0)
    assert link._stop(SimpleNamespace(serial=Talking()), 5) == link._RAW_REPL
    assert len(pressed) == 2


def test_nothing_is_printed_whatever_mpremote_meets(make, capsys):
    """It prints what it did not expect: to standard output, which is for results."""
    with link.open(make().port) as opened:
        opened._transport.serial.write(b"\x05A\x01")  # so that its next request is none
        with pytest.raises(link.LinkError):
            opened.run("print(1)", 1)
    assert capsys.readouterr() == ("", "")


def test_mpremote_has_what_the_adapter_uses():
    """It promises no stability: an update that changes this is met here first."""
    assert "timeout" in inspect.signature(SerialTransport.__init__).parameters
    assert "timeout_overall" in inspect.signature(SerialTransport.enter_raw_repl).parameters
    assert list(inspect.signature(SerialTransport.exec_raw).parameters)[:3] == ["self", "command", "timeout"]
    assert callable(SerialTransport.exit_raw_repl)
    assert list(inspect.signature(SerialTransport.read_until).parameters)[:3] == [
        "self",
        "min_num_bytes",
        "ending",
    ]
    assert "timeout_overall" in inspect.signature(SerialTransport.read_until).parameters
    assert "soft_reset" in inspect.signature(SerialTransport.enter_raw_repl).parameters
    assert callable(SerialTransport.close)
    assert issubclass(TransportError, Exception)
