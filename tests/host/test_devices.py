"""`mailmote devices`: what runs on a board is found without stopping it, and no board holds up the others."""

import contextlib
import json
import os
import threading

import pytest
from rich.console import Console
from terminal import Terminal

import mailmote
from mailmote_host import cli, settings_file
from mailmote_host.board import firmware, port_list, ports, probe
from mailmote_host.board.commands import devices
from mailmote_host.board.log_lines import RECORD_SEPARATOR
from mailmote_host.check import drivers
from mailmote_host.virtual.serial_board import SerialBoard

STATUS = {"version": "0.9.1", "name": "freezer-7", "micropython": "1.25.0", "outbox": {"waiting": 0}}
BANNER = b'\r\nMicroPython v1.26.1 on 2025-09-11; ESP32C3 module with ESP32C3\r\nType "help()".\r\n>>> '


@pytest.fixture
def stranger():
    """A port whose other side answers what it hears, by a function."""
    strangers, heard = [], []

    def make(answer):
        terminal = Terminal()

        def serve():
            with contextlib.suppress(OSError):  # the test has ended
                while typed := os.read(terminal.board_end, 100):
                    heard.append(typed)
                    said = answer(typed)
                    while said:
                        said = said[os.write(terminal.board_end, said) :]

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        strangers.append((terminal, thread))
        return terminal.name

    make.heard = heard
    yield make
    for terminal, thread in strangers:
        terminal.let_go()
        thread.join()
        terminal.close()


@pytest.fixture
def impatient(monkeypatch):
    """Where no answer is to be had, none is waited for."""
    monkeypatch.setattr(probe, "_BANNER_WITHIN_S", 0.2)
    monkeypatch.setattr(probe, "_ANSWER_WITHIN_S", 0.2)


def record(answer):
    return RECORD_SEPARATOR + json.dumps(answer).encode() + b"\r\n"


def agent(typed):
    """As one that runs: it logs all the while, and answers its console."""
    noise = b"  12.000 I courier: nothing to send\r\n"
    return noise + (record(STATUS) if b"status\r" in typed else b"")


def repl(typed):
    return BANNER if b"\x02" in typed else b"\r\n>>> "


def starting(typed, seen=[]):  # noqa: B006 - how often it was asked
    """A board that had been reset, and is not yet ready when it is asked first."""
    seen.append(typed)
    return agent(typed) if len(seen) > 2 else b"ets Jul 29 2019 12:21:46\r\nrst:0x1 (POWERON_RESET)\r\n"


def ready(typed):
    return b"  2.000 I agent: Ready: mailmote 0.9.1, freezer-7, 2 sensors, 1 alarms, mail by relay.\r\n"


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (agent, probe.Running("mailmote", "0.9.1", "freezer-7", "1.25.0")),
        (starting, probe.Running("mailmote", "0.9.1", "freezer-7", "1.25.0")),
        (ready, probe.Running("mailmote", "0.9.1", "freezer-7")),
        (repl, probe.Running("micropython", micropython="v1.26.1", board="ESP32C3 module with ESP32C3")),
        (lambda typed: b"", probe.Running("silent")),
        (lambda typed: b"\xff\x00\x80 OK\r\n", probe.Running("something")),
        (lambda typed: record({"error": "no such command"}), probe.Running("something")),
        (lambda typed: record({"version": 7, "name": ["x"]}), probe.Running("something")),
    ],
)
def test_what_answers_is_known(stranger, answer, found, request):
    if found.what in ("silent", "something"):
        request.getfixturevalue("impatient")
    assert probe.ask(stranger(answer)) == found


def test_nothing_that_would_stop_a_program_is_sent(stranger, impatient):
    """Neither Ctrl-C nor Ctrl-A nor Ctrl-D."""
    probe.ask(stranger(lambda typed: b"busy\r\n"))
    assert not set(b"".join(stranger.heard)) & {1, 3, 4, 5}


def test_a_name_that_would_command_a_terminal_is_shown_as_it_is(stranger):
    evil = "\x1b[2J\u202e"
    found = probe.ask(stranger(lambda typed: record({**STATUS, "name": evil, "version": evil})))
    assert str(found).isprintable()
    assert found.name == r"\x1b[2J\u202e"


def test_a_port_in_trouble_is_told(tmp_path):
    found = probe.ask(str(tmp_path / "absent"))
    assert found.what == "trouble"
    assert "There is no port" in str(found)


@pytest.fixture
def board(tmp_path):
    def make(main=b""):
        board = boards.enter_context(SerialBoard(tmp_path / "board", {"main.py": main}))
        board.start()
        return board

    with contextlib.ExitStack() as boards:
        yield make


def test_an_idle_board_tells_its_micropython(board):
    found = probe.ask(board().port)
    assert found.what == "micropython"
    assert found.micropython.lstrip("v").startswith("1.")
    assert found.board


def test_the_program_of_a_board_runs_on(board, impatient):
    running = board(b"import time\nfor n in range(100000):\n    print(n)\n    time.sleep(0.05)\n")
    found = probe.ask(running.port)
    assert found.what == "something"
    with ports.open_serial(running.port, timeout_s=20) as port:
        assert port.read(100)
    assert b"KeyboardInterrupt" not in running.said
    assert running.said.count(b"\n0\r\n") <= 1


MOTE_TOML = """\
[device]
name = "freezer-7"
[mail]
option = "direct-send"
from = "mote@contoso.example"
to = ["someone@contoso.example"]
host = "contoso-example.mail.protection.outlook.com"
[[sensor]]
name = "Freezer"
driver = "replay"
every = "1min"
path = "recording.csv"
[[alarm]]
name = "Warm"
sensor = "Freezer"
above = 60
"""


@pytest.mark.parametrize("transport", ["pty", "rfc2217"])
def test_the_agent_of_a_board_tells_its_version_and_name_and_runs_on(tmp_path, transport):
    (tmp_path / "mote.toml").write_text(MOTE_TOML)
    settings = settings_file.load(tmp_path / "mote.toml", drivers()).settings
    files = {**firmware.files(), "settings.json": settings_file.compact(settings)}
    files["recording.csv"] = b"timestamp,value\n2014-01-01 00:00:00,20\n2014-01-01 00:05:00,21\n"
    with SerialBoard(tmp_path / "board", files, transport=transport) as board:
        board.start()
        for _ in range(2):
            assert probe.ask(board.port)[:3] == ("mailmote", mailmote.__version__, "freezer-7")
        assert board.said.count(b"Ready: mailmote") == 1


# The command.


def found_by(capsys, *arguments):
    code = cli.main(["devices", *arguments])
    out, err = capsys.readouterr()
    return code, out, err


@pytest.fixture
def listed(monkeypatch):
    """Have these ports listed."""
    found = []
    monkeypatch.setattr(ports, "listed", lambda: found)
    monkeypatch.setattr(port_list, "listed", lambda: found)
    return found.append


def test_boards_are_asked_all_at_once(stranger, listed, capsys):
    """Each waits for the others here: one after the other would never end well."""
    together = threading.Barrier(3)

    def answer(typed):
        if b"status" in typed:
            together.wait(20)
        return agent(typed)

    for number in range(3):
        listed(ports.Port(stranger(answer), 0x10C4, 0xEA60, str(number), "CP210x", "an ESP32, of any kind"))
    code, out, err = found_by(capsys, "--json")
    assert code == 0
    assert [port["runs"]["name"] for port in json.loads(out)] == ["freezer-7"] * 3
    assert err == ""


def test_what_is_probably_no_board_is_listed_and_left_alone(stranger, listed, capsys):
    listed(ports.Port(stranger(agent), 0x2C7C, 0x0125, "", "modem"))
    code, out, err = found_by(capsys, "--json")
    (modem,) = json.loads(out)
    assert (code, modem["runs"], modem["usb_id"], stranger.heard) == (0, None, "2C7C:0125", [])
    assert "No board was found" in err
    assert "cable" in err
    _, out, _ = found_by(capsys, "--port", modem["device"], "--json")
    assert json.loads(out)[0]["runs"]["what"] == "mailmote"


def test_no_port_is_opened_where_none_is_to_be_asked(stranger, listed, capsys):
    listed(ports.Port(stranger(agent), 0x10C4, 0xEA60, "1", "CP210x", "an ESP32, of any kind"))
    code, out, _ = found_by(capsys, "--no-ask", "--json")
    assert (code, json.loads(out)[0]["runs"], stranger.heard) == (0, None, [])


def test_a_named_port_that_cannot_be_used_is_a_failure(stranger, tmp_path, capsys):
    absent, port = str(tmp_path / "absent"), stranger(agent)
    code, out, _ = found_by(capsys, "--port", absent, "--port", port, "--port", port, "--json")
    first, second = json.loads(out)
    assert code == 1
    assert (first["runs"]["what"], second["runs"]["what"]) == ("trouble", "mailmote")


def test_a_serial_number_names_a_port(stranger, listed, capsys):
    listed(ports.Port(stranger(agent), 0x10C4, 0xEA60, "A1B2", "CP210x", "an ESP32, of any kind"))
    code, out, _ = found_by(capsys, "--port", "a1b2", "--json")
    assert (code, json.loads(out)[0]["serial_number"]) == (0, "A1B2")
    code, _, err = found_by(capsys, "--port", "ffff")
    assert code == 2
    assert "A1B2" in err


def test_the_table_says_what_there_is(monkeypatch):
    port = ports.Port(
        "/dev/ttyUSB0",
        0x10C4,
        0xEA60,
        "0001",
        "CP210x",
        "an ESP32, of any kind",
        by_id="/dev/serial/by-id/usb-x",
    )
    other = ports.Port("/dev/ttyACM3", 0x2C7C, 0x0125, "", "[red]modem[/red]")
    run = probe.Running("mailmote", "0.9.1", "freezer-7", "1.25.0")
    console = Console(width=160, highlight=False)
    with console.capture() as capture:
        console.print(devices._table([port, other], {port.device: run}))
    text = capture.get()
    for told in ("/dev/ttyUSB0", "/dev/serial/by-id/usb-x", "CP210x", "10C4:EA60", "0001"):
        assert told in text
    assert "freezer-7: mailmote 0.9.1, MicroPython 1.25.0" in text
    assert "[red]modem[/red]" in text
    assert "name it with --port" in text


def test_a_port_in_trouble_is_told_below_the_table(stranger, tmp_path, capsys):
    absent = str(tmp_path / "absent")
    code, out, err = found_by(capsys, "--port", absent, "--port", stranger(agent))
    assert code == 1
    assert "see below" in out
    assert "freezer-7" in out
    assert "Serial number" not in out
    assert f"There is no port {absent}" in err
