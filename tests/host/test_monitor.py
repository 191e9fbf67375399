"""Following a board: what it says is shown safely and in full, and a port that goes away is waited for."""

import contextlib
import io
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import threading
import tty
from datetime import datetime

import pytest

import mailmote
from mailmote import log
from mailmote_host import cli
from mailmote_host.board import firmware, log_lines, log_view, monitoring, port_list, ports, probe, tracebacks
from mailmote_host.board.log_lines import Line, Reader, Splitter
from mailmote_host.errors import HostError
from mailmote_host.virtual.serial_board import SerialBoard

LIMIT_S = 30  # a test that fails ends
NOW = datetime.now().astimezone()
CLEAR_SCREEN = b"\x1b[2J\x1b]0;owned\x07"


class Plug:
    """A board at the other end of a pseudo-terminal, whose name stays when it is plugged in again."""

    def __init__(self, folder):
        self.name = str(folder / "board")
        self.plug()

    def plug(self):
        self._board_end, self._program_end = pty.openpty()
        tty.setraw(self._program_end)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.name)
        os.symlink(os.ttyname(self._program_end), self.name)

    def say(self, data):
        """In a thread, since more than a terminal holds waits until it is read."""
        threading.Thread(target=self._write, args=(self._board_end, data), daemon=True).start()

    def _write(self, board_end, data):
        while data:
            data = data[os.write(board_end, data) :]

    def unplug(self):
        os.unlink(self.name)
        os.close(self._program_end)
        os.close(self._board_end)


@pytest.fixture
def plug(tmp_path):
    plug = Plug(tmp_path)
    yield plug
    with contextlib.suppress(OSError):
        plug.unplug()


def until(lines, text):
    """The lines up to one that has this text."""
    heard = []
    for line in lines:
        heard.append(line)
        if text in line.shown:
            return heard
    raise AssertionError(f"{text!r} never came, but {[line.shown for line in heard]}")


def read(*raws):
    reader = Reader()
    return [reader.read(raw, NOW) for raw in raws]


# Lines.


def test_a_line_of_the_log_is_taken_apart(capsys, monkeypatch):
    monkeypatch.setattr(log, "level", log.INFO)
    log.warning("courier", "port %d: %s", 587, "closed")
    (line,) = read(capsys.readouterr().out.rstrip("\n").encode())
    assert (line.level, line.part, line.text, line.kind) == ("warning", "courier", "port 587: closed", "log")
    assert line.uptime_s is not None
    assert line.at is NOW
    (line,) = read(b"1234567.890 E sensor x y: text")
    assert (line.level, line.part, line.uptime_s) == ("error", "sensor x y", 1234567.89)


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        (b"one\r\ntwo\r\n", [b"one", b"two"]),
        (b"one\ntwo", [b"one"]),
        (b"\r\n\r\n", [b"", b""]),
        (b'>>> \x1e{"a": 1}\r\n', [b">>> ", b'\x1e{"a": 1}']),
        (b'\x1e{"a"\x1e{"b": 1}\n', [b'\x1e{"a"', b'\x1e{"b": 1}']),
    ],
)
def test_lines_are_the_same_whole_and_by_the_octet(data, lines):
    whole, bytewise = Splitter(), Splitter()
    assert list(whole.feed(data)) == lines
    assert [line for octet in data for line in bytewise.feed(bytes((octet,)))] == lines
    assert whole.rest() == bytewise.rest()


def test_no_line_is_longer_than_its_cap_and_no_octet_is_lost():
    splitter = Splitter()
    data = b"x" * 100_000 + b"\n"
    lines = [line for at in range(0, len(data), 999) for line in splitter.feed(data[at : at + 999])]
    assert b"".join(lines) == data[:-1]
    assert max(map(len, lines)) == log_lines._MAX_LINE_BYTES


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"caf\xc3\xa9 \xe2\x9c\x93", "café ✓"),
        (b"\xff\xfe\x80", r"\xff\xfe\x80"),
        (CLEAR_SCREEN, r"\x1b[2J\x1b]0;owned\x07"),
        (b"a\rb\bc\0\x7f", r"a\rb\x08c\x00\x7f"),
        ("\x9b2J \u202e \u2028 \u200b".encode(), r"\x9b2J \u202e \u2028 \u200b"),
        (b"a\tb", "a    b"),
    ],
)
def test_nothing_but_printable_characters_gets_out(raw, text):
    assert log_lines.visible(raw) == text
    answer = b"\x1e" + json.dumps({"name": raw.decode("latin1")}).encode()
    for line in read(raw, b"  1.000 I part: " + raw, answer):
        assert line.text.isprintable()
        assert line.shown.isprintable()


def test_an_answer_of_the_console_is_told_in_words():
    (line,) = read(
        b'\x1e{"version": "0.1", "outbox": {"waiting": 2}, "link": true, "next": null, "last": ["a"]}'
    )
    assert (line.kind, line.level) == ("console", "")
    assert line.text == line.shown == "version 0.1, outbox (waiting 2), link yes, next unknown, last a"
    assert line.answer is not None
    assert line.answer["outbox"] == {"waiting": 2}


def test_half_of_a_pair_of_characters_in_an_answer_is_escaped():
    (line,) = read(b'\x1e{"name": "\\ud800"}')
    assert (line.kind, line.text) == ("console", "name \\ud800")


@pytest.mark.parametrize(
    "raw",
    [
        b"\x1e",
        b"\x1enot json",
        b'\x1e["a list"]',
        b"\x1e" + b"[" * 5000,
        b"\x1e" + b'{"a":' * 600 + b"1" + b"}" * 600,
        b'\x1e{"a": NaN}',
    ],
)
def test_what_only_looks_like_an_answer_is_text(raw):
    (line,) = read(raw)
    assert (line.kind, line.answer) == ("text", None)
    assert line.text.startswith(r"\x1e")


def test_the_boot_messages_of_a_chip_are_known():
    boot = b"""\
ESP-ROM:esp32c3-api1-20210207
Build:Feb  7 2021
rst:0x1 (POWERON),boot:0xc (SPI_FAST_FLASH_BOOT)
SPIWP:0xee
mode:DIO, clock div:1
load:0x3fcd5820,len:0x1574
entry 0x403cbf10
ets Jul 29 2019 12:21:46
configsip: 0, SPIWP:0xee
\x1b[0;32mI (29) boot: ESP-IDF v5.2 2nd stage bootloader\x1b[0m
I (33) boot: chip revision: v0.4""".splitlines()
    assert {line.kind for line in read(*boot)} == {"boot"}
    (line,) = read(b"\x1b[0;31mE (123) wifi: no memory\x1b[0m")
    assert (line.kind, line.level, line.part, line.text) == ("log", "error", "wifi", "no memory")
    (line,) = read(b"Guru Meditation Error: Core  0 panic'ed (LoadProhibited). Exception was unhandled.")
    assert line.level == "error"


def test_a_bare_traceback_is_an_error_to_its_last_line():
    lines = read(
        b"before",
        b"Traceback (most recent call last):",
        b'  File "main.py", line 3, in <module>',
        b"ValueError: no",
        b"after",
    )
    assert [line.level for line in lines] == ["", "error", "error", "error", ""]


# What is known of them.

SOURCE = "text = str(text) % values if values else str(text)"


def line_number(text):
    source = (tracebacks._PACKAGE / "log.py").read_text().splitlines()
    return next(number for number, line in enumerate(source, 1) if text in line)


def test_a_place_is_shown_only_where_this_source_has_it():
    number = line_number(SOURCE)
    for name in ("mailmote/log.py", "/lib/mailmote/log.py", "lib/mailmote/log.py"):
        assert tracebacks.source_of(f'  File "{name}", line {number}, in _write') == SOURCE
    for other in (
        f'  File "mailmote/log.py", line {number}, in recent',
        f'  File "mailmote/log.py", line {number}, in <module>',
        '  File "mailmote/log.py", line 99999, in _write',
        '  File "mailmote/log.py", line 0, in <module>',
        f'  File "mailmote/absent.py", line {number}, in _write',
        '  File "main.py", line 3, in <module>',
        f'  File "other/log.py", line {number}, in _write',
        f'  File "mailmote/../mailmote/log.py", line {number}, in _write',
        "anything",
    ):
        assert tracebacks.source_of(other) is None


def comments(*raws):
    commentary = monitoring.Commentary()
    return [line for raw in raws for line in commentary.on(raw)]


def texts(lines, kind):
    return [line.text for line in lines if line.kind == kind]


def test_the_source_is_shown_only_for_the_version_that_is_here():
    trace = f'  9.000 E agent:   File "mailmote/log.py", line {line_number(SOURCE)}, in _write'.encode()
    ready = b"  2.000 I agent: Ready: mailmote %s, mote-1, 1 sensors"
    same, other = ready % mailmote.__version__.encode(), ready % b"99.0"
    assert texts(comments(trace), "source") == [SOURCE]
    assert texts(comments(same, trace), "source") == [SOURCE]
    heard = comments(other, other, trace)
    assert not texts(heard, "source")
    (notice,) = texts(heard, "notice")
    assert "99.0" in notice
    assert not texts(comments(b'\x1e{"version": "99.0"}', trace), "source")


def test_a_clock_that_goes_back_tells_a_new_start():
    assert texts(comments(b"  5.000 I a: b", b"  6.000 I a: b"), "notice") == []
    assert texts(comments(b"  5.000 I a: b", b"  0.100 I a: b"), "notice") == ["The board has started anew."]


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ('refused: "550 5.7.64 TenantAttribution; Relay Access Denied"', "connector"),
        ("AADSTS7000215: Invalid client secret provided.", "secret"),
        ("OSError: [Errno 113] EHOSTUNREACH", "EHOSTUNREACH"),
        ("Guru Meditation Error: Core  0 panic'ed (LoadProhibited).", ""),
        ("port 587 after 30 s", None),
        ("250 2.1.5 fine", None),
        ("$(reboot) `reboot`", None),
    ],
)
def test_an_error_that_is_known_gets_a_hint_once(text, title, capsys):
    hints = texts(comments(*[b"  1.000 E courier: " + text.encode()] * 2), "hint")
    assert texts(comments(b"  1.000 I courier: " + text.encode()), "hint") == []
    if title is None:
        assert hints == []
        return
    (hint,) = hints
    call = re.fullmatch(r"What it means: mailmote (explain) ([a-z0-9-]+)", hint)
    assert call
    assert cli.main(list(call.groups())) == 0
    assert title in capsys.readouterr().out


# A port.


def test_lines_come_whole_and_a_prompt_comes_when_it_is_quiet(plug):
    with monitoring.follow(plug.name, LIMIT_S) as lines:
        plug.say(b"  1.000 I agent: one\r\n  1.001 I agent: tw")
        assert next(lines).text == "one"
        plug.say(b"o\r\n>>> ")
        assert next(lines).text == "two"
        assert next(lines).text == ">>> "


def test_a_flood_without_a_line_end_is_cut_and_not_kept(plug):
    flood = 4 << 20
    with monitoring.follow(plug.name, LIMIT_S) as lines:
        plug.say(b"\xff" * flood + b"\nend\n")
        heard = until(lines, "end")
    assert sum(len(line.raw) for line in heard[:-1]) == flood
    assert max(len(line.raw) for line in heard) == log_lines._MAX_LINE_BYTES


def test_a_port_that_goes_away_is_waited_for_and_that_is_told_once(plug):
    with monitoring.follow(plug.name, LIMIT_S) as lines:
        plug.say(b"before\n")
        assert next(lines).text == "before"
        plug.unplug()
        assert "went away" in next(lines).text
        plug.plug()
        assert "there again" in next(lines).text
        plug.say(b"after\n")
        assert next(lines).text == "after"


def test_a_board_is_known_by_its_serial_number(plug, tmp_path, monkeypatch):
    """Native USB may come back under another name."""
    (tmp_path / "other").mkdir()
    found = [ports.Port(plug.name, 0x303A, 0x1001, "F4:12")]
    monkeypatch.setattr(port_list, "listed", lambda: found)
    with monitoring.follow(plug.name, LIMIT_S) as lines:
        plug.unplug()
        assert "went away" in next(lines).text
        other = Plug(tmp_path / "other")
        found[:] = [ports.Port("/dev/absent", 0x303A, 0x1001, "AA:BB"), ports.Port(other.name, 1, 1, "F4:12")]
        assert other.name in next(lines).text
        other.say(b"after\n")
        assert next(lines).text == "after"
    other.unplug()


def test_a_port_that_stays_away_is_waited_for_until_the_time_is_over(plug):
    with monitoring.follow(plug.name, for_s=0.5) as lines:
        plug.unplug()
        assert ["went away" in line.text for line in lines] == [True]


def test_a_port_that_is_not_there_is_no_port_to_wait_for(tmp_path):
    with pytest.raises(HostError, match="There is no port"):
        monitoring.follow(str(tmp_path / "absent"))


def test_the_port_is_free_afterwards(plug):
    monitoring.follow(plug.name).close()
    with monitoring.follow(plug.name) as lines:
        plug.say(b"line\n")
        next(lines)
    ports.open_serial(plug.name).close()


# Boards.

MAIN = b"""\
from mailmote import log
log.info("agent", "begins \x1b[2J")
log.warning("agent", "a warning")
try:
    log._write(log.ERROR, "part", "text %d", ("no",))
except Exception as error:
    log.exception("agent", error)
print(">\x1b]0;owned\x07<")
log._write(log.ERROR, "part", "text %d", ("no",))
"""


@pytest.fixture
def board(tmp_path):
    with SerialBoard(tmp_path / "board", {**firmware.files(), "main.py": MAIN, "boot.py": b""}) as board:
        yield board


def test_the_tracebacks_of_a_board_show_their_source(board):
    with monitoring.follow(board.port, LIMIT_S) as lines:
        board.start()
        heard = until(lines, "TypeError")
        heard += until(lines, "TypeError")
    assert texts(heard, "source").count(SOURCE) == 2
    where = [at for at, line in enumerate(heard) if line.kind == "source" and line.text == SOURCE]
    assert all("mailmote/log.py" in heard[at - 1].text for at in where)
    assert {line.level for line in heard if "TypeError" in line.text} == {"error"}


def test_a_power_cut_and_a_new_start_are_followed(board):
    with monitoring.follow(board.port, LIMIT_S) as lines:
        board.start()
        until(lines, "TypeError")
        board.cut_power()
        board.start()
        until(lines, "begins")


COUNTING = {
    "boot.py": b"with open('starts', 'a') as file:\n    file.write('x')\n"
    b"print('start', open('starts').read())\n",
    "main.py": b"import time\nwhile True:\n    print('tick')\n    time.sleep(0.05)\n",
}


def test_a_board_on_the_network_is_followed_over_a_power_cut_and_reset_by_its_lines(tmp_path):
    """The connection is lost with the power, and a reset is none of the REPL."""
    with SerialBoard(tmp_path / "board", COUNTING, transport="rfc2217") as board:
        board.start()
        with monitoring.follow(board.port, LIMIT_S, press_reset=True) as lines:
            until(lines, "start xx")
            assert b"raw REPL" not in board.said
            board.cut_power()
            until(lines, "waited for")
            board.start()
            until(lines, "there again")
        assert probe.ask(board.port).what in ("something", "silent")
        assert b"start xxxx" not in board.said


def test_a_board_without_a_reset_line_is_started_anew_over_its_repl(tmp_path):
    """A pseudo-terminal has none; what the board says after that comes in."""
    with SerialBoard(tmp_path / "board", COUNTING) as board:
        board.start()
        with monitoring.follow(board.port, LIMIT_S, press_reset=True) as lines:
            until(lines, "tick")
        assert b"start xxx" in board.said  # power, the reset into the raw REPL, and the one out of it


class Lines:
    """A port that keeps each state of (DTR, RTS); both are set when it is opened."""

    def __init__(self, has_lines=True, ends_at=None):
        self.states = [(True, True)]
        self._has_lines = has_lines
        self._ends_at = ends_at

    def set_lines(self, dtr, rts):
        if (dtr, rts) == self._ends_at:
            raise KeyboardInterrupt
        self.states += [(dtr, self.states[-1][1]), (dtr, rts)]
        return self._has_lines


def test_the_reset_line_is_pressed_and_let_go_and_io0_stays_up():
    lines = Lines()
    assert monitoring.press_reset(lines)
    states = [state for at, state in enumerate(lines.states) if at == 0 or state != lines.states[at - 1]]
    pressed, boot_mode = (False, True), (True, False)
    assert states.count(pressed) == 1
    assert states[states.index(pressed) + 1] == (False, False)
    assert boot_mode not in states[: states.index(pressed) + 2]
    assert states[-1] == (True, True)


# The command.


@pytest.fixture
def monitor(board, capsys):
    """Run the command over the start of a board: (exit code, what it printed)."""

    def run(*arguments):
        thread = threading.Thread(target=board.start)
        opened = ports.open_serial

        def open_and_start(*given, **options):
            port = opened(*given, **options)
            thread.start()
            return port

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(ports, "open_serial", open_and_start)
            code = cli.main(["monitor", "--port", board.port, *arguments])
        thread.join()
        return code, capsys.readouterr().out

    return run


def test_lines_are_stamped_and_safe_and_the_command_ends_at_a_text(monitor):
    code, out = monitor("--until", "TypeError", "--for", "30s")
    assert code == 0
    assert re.search(r"^\d\d:\d\d:\d\d\.\d{3} +\d+\.\d{3} I agent: begins \\x1b\[2J$", out, re.MULTILINE)
    assert re.search(r"^\d\d:\d\d:\d\d\.\d{3}     \| " + re.escape(SOURCE), out, re.MULTILINE)
    assert "\x1b" not in out


def test_the_command_leaves_out_what_matters_less(monitor):
    code, out = monitor("--until", "TypeError", "--level", "error", "--timestamps", "none")
    assert code == 0
    assert "begins" not in out
    assert "warning" not in out
    assert re.match(r"^ +\d+\.\d{3} E agent: Traceback", out)


def test_the_command_prints_json_and_keeps_a_log(monitor, tmp_path):
    log_file = tmp_path / "board.log"
    log_file.write_text("before\n")
    code, out = monitor("--json", "--until", "owned", "--log", str(log_file))
    assert code == 0
    told = [json.loads(line) for line in out.splitlines()]
    first = next(line for line in told if line.get("text", "").startswith("begins"))
    assert (first["kind"], first["level"], first["part"]) == ("log", "info", "agent")
    assert datetime.fromisoformat(first["at"]).tzinfo
    kept = log_file.read_text().splitlines()
    assert kept[0] == "before"
    assert len(kept) == len(told) + 1
    assert kept[-1].endswith(r" >\x1b]0;owned\x07<")
    assert datetime.fromisoformat(kept[-1].split()[0]).tzinfo


def test_time_that_is_over_is_a_failure_only_where_a_text_was_waited_for(plug, capsys):
    assert cli.main(["monitor", "--port", plug.name, "--for", "100ms"]) == 0
    assert capsys.readouterr().err == ""
    assert cli.main(["monitor", "--port", plug.name, "--for", "0.1", "--until", "never"]) == 1
    assert capsys.readouterr().err == "No line with 'never' came within 0.1 s. Wait longer with --for.\n"


def test_ctrl_c_before_the_first_line_is_as_good_as_later(plug, monkeypatch):
    def press_ctrl_c(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(ports, "open_serial", press_ctrl_c)
    assert cli.main(["monitor", "--port", plug.name]) == 0
    assert cli.main(["monitor", "--port", plug.name, "--until", "never"]) == 130


def test_a_wrong_duration_is_told(plug, capsys):
    assert cli.main(["monitor", "--port", plug.name, "--for", "soon"]) == 2
    assert "90s" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [([], 0, b""), (["--until", "never"], 130, b"\nmailmote monitor: stopped.\n")],
    ids=["to follow", "to wait for a text"],
)
def test_ctrl_c_ends_it_in_peace_and_frees_the_port(plug, options, code, said):
    command = [sys.executable, "-m", "mailmote_host", "monitor", "--port", plug.name, "--timestamps", "none"]
    with subprocess.Popen([*command, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        while True:  # what is said before the port is open is lost
            plug.say(b"line\n")
            if select.select([process.stdout], [], [], 0.1)[0]:
                break
        assert process.stdout.readline() == b"line\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(LIMIT_S) == code
        assert process.stderr is not None
        assert process.stderr.read() == said
    ports.open_serial(plug.name).close()


def test_a_terminal_gets_colours_and_no_markup():
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    def written(line, **environment):
        stream = Terminal()
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("TERM", "xterm")
            patch.delenv("NO_COLOR", raising=False)
            log_view.to_terminal(stream, "none")(line)
        return stream.getvalue()

    red, yellow = "\x1b[31m", "\x1b[33m"
    error, warning = read(b"  1.000 E a: [bold]b[/bold] :smile:", b"  1.000 W a: c")
    assert written(error).startswith(red + "  1.000 E a: [bold]b[/bold] :smile:")
    assert written(warning).startswith(yellow)
    long = Line(NOW, "info", "a", "x", b"x" * 500, "text")
    assert written(long) == "x" * 500 + "\n"
