"""Serial ports: choosing one, opening one without a reset of the board, and each trouble with its fix."""

import errno
import grp
import os
import re
import socket
import termios
import threading
from types import SimpleNamespace

import pytest
import serial
from serial.rfc2217 import PortManager
from serial.tools import list_ports
from serial.urlhandler import protocol_loop
from terminal import Terminal

from mailmote_host.board import port_trouble, ports, returning
from mailmote_host.errors import HostError, UsageError

SYSTEMS = ("Linux", "Darwin", "Windows")
OWN_GROUP = grp.getgrgid(os.getgid()).gr_name


@pytest.fixture
def terminal():
    """The two ends of a pseudo-terminal, and its name."""
    with Terminal() as terminal:
        yield terminal


@pytest.fixture
def plugged(monkeypatch):
    """Have these ports listed: (device, vid, pid, serial number)."""

    def plug(*found):
        names = ("device", "vid", "pid", "serial_number")
        listed = [SimpleNamespace(**dict(zip(names, port, strict=True)), description="n/a") for port in found]
        monkeypatch.setattr(list_ports, "comports", lambda: listed)

    plug()
    return plug


CP210X = ("/dev/ttyUSB0", 0x10C4, 0xEA60, "0001")
JTAG = ("/dev/ttyACM0", 0x303A, 0x1001, "F4:12:FA:00:11:22")
MODEM = ("/dev/ttyACM9", 0x2C7C, 0x0125, "")
UART = ("/dev/ttyS0", None, None, None)


def test_what_usb_ids_tell(plugged):
    plugged(UART, MODEM, CP210X, JTAG)
    found = {port.device: port for port in ports.listed()}
    assert list(found) == ["/dev/ttyACM0", "/dev/ttyUSB0", "/dev/ttyACM9", "/dev/ttyS0"]
    assert found["/dev/ttyUSB0"].description == "CP210x"
    assert not found["/dev/ttyUSB0"].native_usb
    assert found["/dev/ttyACM0"].native_usb
    assert "C3" in found["/dev/ttyACM0"].chip_guess
    assert found["/dev/ttyACM9"].chip_guess == found["/dev/ttyS0"].description == ""
    assert str(found["/dev/ttyUSB0"]) == "/dev/ttyUSB0 (CP210x, 10C4:EA60, serial number 0001)"
    assert str(found["/dev/ttyS0"]) == "/dev/ttyS0"


def test_the_name_that_stays_is_found(plugged, monkeypatch, tmp_path):
    plugged(CP210X, JTAG)
    (tmp_path / "usb-Silicon_Labs-if00-port0").symlink_to("/dev/ttyUSB0")
    monkeypatch.setattr("mailmote_host.board.port_list._BY_ID", str(tmp_path))
    assert [os.path.basename(port.by_id) for port in ports.listed()] == ["", "usb-Silicon_Labs-if00-port0"]


@pytest.mark.parametrize(
    ("given", "there", "chosen"),
    [
        ("/dev/ttyUSB7", [CP210X], "/dev/ttyUSB7"),
        ("COM3", [CP210X], "COM3"),
        ("rfc2217://127.0.0.1:4000", [CP210X], "rfc2217://127.0.0.1:4000"),
        ("f4:12:fa:00:11:22", [CP210X, JTAG], "/dev/ttyACM0"),
        ("ttyUSB0", [CP210X, JTAG], "/dev/ttyUSB0"),
        (None, [UART, MODEM, CP210X], "/dev/ttyUSB0"),
        (None, [UART, MODEM], "/dev/ttyACM9"),
    ],
)
def test_the_port_that_is_meant(plugged, given, there, chosen):
    plugged(*there)
    assert ports.choose(given) == chosen


@pytest.mark.parametrize(
    ("given", "there", "says"),
    [
        (None, [CP210X, JTAG], "several boards.*--port.*/dev/ttyACM0.*F4:12.*/dev/ttyUSB0"),
        (None, [UART], "No board.*There is: /dev/ttyS0.*cable"),
        (None, [], "No board was found.*cable"),
        ("0002", [CP210X], "0002.*/dev/ttyUSB0"),
        (
            "0001",
            [CP210X, ("/dev/ttyUSB1", *CP210X[1:])],
            "Several ports have the serial number 0001: /dev/ttyUSB0, /dev/ttyUSB1. Choose",
        ),
    ],
)
def test_a_port_that_cannot_be_told_is_asked_for(plugged, given, there, says):
    plugged(*there)
    with pytest.raises(UsageError, match=says):
        ports.choose(given)


def test_names_of_the_same_port_are_known_as_one(plugged, tmp_path):
    plugged(CP210X, JTAG)
    (tmp_path / "port").touch()
    (tmp_path / "link").symlink_to(tmp_path / "port")
    for same in (
        ("/dev/ttyACM0", "ttyACM0", "f4:12:fa:00:11:22"),
        (str(tmp_path / "port"), str(tmp_path / "link")),
        ("rfc2217://Bench:4000", "rfc2217://bench:4000"),
        ("absent", "absent"),
    ):
        assert len(set(ports.distinct(same))) == 1
    different = ["/dev/ttyACM0", "/dev/ttyUSB0", "/dev/ttyACM1", "absent", "rfc2217://bench:4001"]
    assert len(set(ports.distinct(different))) == len(different)


@pytest.mark.parametrize("number", [None, "", "n/a"])
def test_a_board_without_a_serial_number_is_not_taken_for_one(plugged, number):
    plugged((*CP210X[:3], number))
    with pytest.raises(UsageError):
        ports.choose("absent")


def test_a_board_is_known_by_its_serial_number_and_else_by_its_name(plugged):
    plugged(CP210X, JTAG)
    native, bridge = ports.Whereabouts("/dev/ttyACM0"), ports.Whereabouts("/dev/ttyUSB0")
    plugged(("/dev/ttyACM1", *JTAG[1:]), ("/dev/ttyUSB0", *CP210X[1:3], "0002"))
    assert native.name() == "/dev/ttyACM1"
    assert bridge.name() == "/dev/ttyUSB0"
    plugged()
    assert native.name() == "/dev/ttyACM0"
    assert ports.Whereabouts("rfc2217://127.0.0.1:1").name() == "rfc2217://127.0.0.1:1"


@pytest.fixture
def looks(monkeypatch):
    """Have the ports listed so, one look after the other, with no time in between; the last is for ever."""

    def look(*found):
        left = iter(found)
        names = ("device", "vid", "pid", "serial_number")

        def listed():
            look.count += 1
            look.last = next(left, look.last)
            return [
                SimpleNamespace(**dict(zip(names, port, strict=True)), description="n/a")
                for port in look.last
            ]

        monkeypatch.setattr(list_ports, "comports", listed)

    look.count, look.last = 0, ()
    monkeypatch.setattr(returning, "_PAUSE_S", 0)
    return look


def test_native_usb_is_waited_for_until_it_has_gone_and_come_back(looks):
    """It is still there for a moment after the reset, and comes back under another name."""
    elsewhere = ("/dev/ttyACM1", *JTAG[1:])
    looks([JTAG, CP210X], [JTAG], [JTAG], [CP210X], [], [], [elsewhere])
    assert returning.Place("/dev/ttyACM0").after_reset() == "/dev/ttyACM1"


def test_native_usb_whose_loader_has_another_number_is_known_by_its_name(looks):
    """That of the ESP32-S2 is another device than the MicroPython that it starts."""
    loader = (JTAG[0], 0x303A, 0x0002, "0")
    looks([loader], [], [], [JTAG])
    assert returning.Place(JTAG[0]).after_reset() == JTAG[0]
    assert looks.count < 10


def test_a_bridge_does_not_go_away_with_the_board_and_is_not_waited_for(looks):
    looks([CP210X])
    place = returning.Place(CP210X[0])
    looks.count = 0
    assert place.after_reset() == CP210X[0]
    assert looks.count <= 1


@pytest.mark.parametrize("number", ["0001", ""])
def test_boards_with_the_same_serial_number_are_told_apart_by_their_names(plugged, number):
    first, second = (*CP210X[:3], number), ("/dev/ttyUSB9", *CP210X[1:3], number)
    plugged(first, second)
    place = ports.Whereabouts("/dev/ttyUSB0")
    plugged(second)
    assert place.name() == "/dev/ttyUSB0"


def opening(number):
    """As pyserial raises it on Linux and macOS."""
    return serial.SerialException(number, f"could not open port /dev/x: [Errno {number}] words")


def windows(kind, winerror, what="could not open port 'COM3': "):
    """As pyserial raises it on Windows; the words are of another language there."""
    return serial.SerialException(f"{what}{kind}(13, 'Zugriff verweigert', None, {winerror})")


TROUBLES = [
    ("Linux", opening(errno.EACCES), "denied", "sudo usermod -aG"),
    ("Darwin", opening(errno.EACCES), "denied", "ls -l"),
    ("Linux", opening(errno.EBUSY), "busy", "ModemManager"),
    ("Linux", serial.SerialException(errno.EAGAIN, "Could not exclusively lock port"), "busy", "monitor"),
    ("Darwin", opening(errno.EBUSY), "busy", "lsof"),
    ("Windows", windows("PermissionError", 5), "busy", "another program"),
    ("Linux", opening(errno.ENOENT), "missing", "sudo apt remove brltty"),
    ("Linux", opening(errno.ENODEV), "missing", "only charge"),
    ("Darwin", opening(errno.ENOENT), "missing", "/dev/cu"),
    ("Windows", windows("FileNotFoundError", 2), "missing", "Device Manager"),
    ("Linux", serial.SerialException("read failed: [Errno 5] Input/output error"), "gone", "went away"),
    ("Linux", serial.SerialException("write failed: [Errno 6] No such device"), "gone", "went away"),
    (
        "Linux",
        serial.SerialException("device reports readiness (device disconnected …?)"),
        "gone",
        "went away",
    ),
    ("Linux", termios.error(errno.EIO, "Input/output error"), "gone", "went away"),
    ("Linux", OSError(errno.EBADF, "Bad file descriptor"), "gone", "went away"),
    ("Darwin", OSError(errno.ENXIO, "Device not configured"), "gone", "went away"),
    ("Windows", windows("PermissionError", 22, "ClearCommError failed "), "gone", "went away"),
    ("Windows", windows("PermissionError", 5, "WriteFile failed "), "gone", "went away"),
    ("Windows", windows("OSError", 121), "gone", "went away"),
    (
        "Linux",
        serial.SerialException("Could not configure port: (5, 'I/O error')"),
        "unusable",
        "no serial port",
    ),
    (
        "Linux",
        serial.SerialException("Could not configure port: (25, 'ioctl')"),
        "unusable",
        "no serial port",
    ),
    ("Windows", windows("OSError", 87), "unusable", "no serial port"),
    ("Linux", RuntimeError("something else"), "unusable", "no serial port"),
]


@pytest.mark.parametrize(("system", "error", "reason", "says"), TROUBLES)
def test_each_trouble_has_its_fix_for_the_system_at_hand(system, error, reason, says):
    told = ports.trouble("/dev/x", error, system)
    assert (told.reason, told.exit_code) == (reason, 1)
    assert "/dev/x" in str(told)
    assert says in str(told)
    assert "Errno" not in str(told)


@pytest.mark.parametrize(
    ("mode", "says"),
    [
        (("root", False), "sudo chmod a\\+rw /dev/x"),
        (("uucp", False), "usermod -aG uucp"),
        (("dialout", True), "log out and in again|newgrp dialout"),
    ],
)
def test_a_port_of_another_group_is_told_with_that_group(monkeypatch, mode, says):
    monkeypatch.setattr(port_trouble, "_owning_group", lambda port: mode)
    assert re.search(says, str(ports.trouble("/dev/x", opening(errno.EACCES), "Linux")), re.IGNORECASE)


def test_the_group_is_that_of_the_device(tmp_path):
    (tmp_path / "port").touch()
    os.chown(tmp_path / "port", -1, os.getgid())
    assert port_trouble._owning_group(str(tmp_path / "port"))[0] == OWN_GROUP


def test_a_busy_port_names_the_program_that_has_it(terminal, holder):
    holder(terminal.name)
    with pytest.raises(ports.PortError, match=r"in use by .*python.* \(process \d+\)") as caught:
        ports.open_serial(terminal.name)
    assert caught.value.reason == "busy"


@pytest.fixture
def holder():
    """Another program that keeps a port to itself."""
    import subprocess
    import sys

    running = []

    def hold(port):
        code = (
            "import serial, sys\n"
            "port = serial.Serial(sys.argv[1], exclusive=True)\n"
            "print('held', flush=True)\n"
            "sys.stdin.read()"
        )
        command = [sys.executable, "-c", code, port]
        running.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE))
        assert running[0].stdout.readline() == b"held\n"

    yield hold
    for process in running:
        process.communicate()


@pytest.mark.parametrize("name", ["/dev/null", "/", __file__])
def test_what_is_no_serial_port_is_told_so(name):
    with pytest.raises(ports.PortError, match="no serial port"):
        ports.open_serial(name)


def test_a_port_that_is_not_there_lists_those_that_are(plugged):
    plugged(CP210X)
    with pytest.raises(ports.PortError, match=r"no port /dev/absent\. There is: /dev/ttyUSB0 \(CP210x"):
        ports.open_serial("/dev/absent")


def test_octets_pass_both_ways_and_a_port_is_had_by_one_program_only(terminal):
    with ports.open_serial(terminal.name) as port:
        os.write(terminal.board_end, b"hello\xff")
        heard = b""
        while len(heard) < 6:
            heard += port.read_available()
        assert heard == b"hello\xff"
        assert port.read_available() == b""
        assert port.write(b"\x03") == 1
        assert os.read(terminal.board_end, 10) == b"\x03"
        port.set_lines(dtr=False, rts=False)  # a terminal has none
        with pytest.raises(ports.PortError) as caught:
            ports.open_serial(terminal.name)
    assert caught.value.reason == "busy"
    ports.open_serial(terminal.name).close()
    assert "now can be" in str(ports.unopened(terminal.name))


def test_a_port_that_goes_away_is_told_and_closes_in_peace():
    with Terminal() as terminal:
        port = ports.open_serial(terminal.name)
    for use in (port.read_available, lambda: port.write(b"x"), port.flush, lambda: port.in_waiting):
        with pytest.raises(ports.PortError, match="went away") as caught:
            use()
        assert caught.value.reason == "gone"
        assert caught.value.__cause__ is None
        assert caught.value.__context__ is None
    port.close()
    port.close()
    with pytest.raises(ports.PortError, match="went away"):
        port.read()


@pytest.mark.parametrize(("ids", "kept"), [(CP210X, False), (JTAG, True)])
def test_closing_leaves_the_lines_alone_but_on_native_usb(plugged, terminal, ids, kept):
    """Native USB has to see that nobody reads any more."""
    plugged((terminal.name, *ids[1:]))
    with ports.open_serial(terminal.name) as port:
        flags = termios.tcgetattr(port._port.fileno())
    assert not flags[2] & termios.HUPCL or kept
    descriptor = os.open(terminal.name, os.O_RDWR | os.O_NOCTTY)
    flags[2] |= termios.HUPCL
    termios.tcsetattr(descriptor, termios.TCSANOW, flags)
    os.close(descriptor)
    with ports.open_serial(terminal.name) as port:
        assert bool(termios.tcgetattr(port._port.fileno())[2] & termios.HUPCL) is kept


class Lines(protocol_loop.Serial):
    """A port that keeps each state of (DTR, RTS), and says what it is told."""

    def __init__(self):
        self.states = []
        super().__init__("loop://", timeout=0.05)
        self._dtr_state = self._rts_state = False
        self.states.clear()

    def _update_dtr_state(self):
        self.states.append((self._dtr_state, self._rts_state))

    _update_rts_state = _update_dtr_state


@pytest.fixture
def served():
    """A port behind an RFC 2217 server on loopback, for one program at a time: (URL, port, hang up)."""
    lines = Lines()
    listener = socket.create_server(("127.0.0.1", 0))
    open_connections = []

    def serve():
        while True:
            try:
                connection = listener.accept()[0]
            except OSError:
                return
            open_connections.append(connection)
            manager = PortManager(lines, SimpleNamespace(write=connection.sendall))
            try:
                while data := connection.recv(1000):
                    heard = b"".join(manager.filter(data))
                    connection.sendall(b"".join(manager.escape(heard)))
            except OSError:
                pass
            connection.close()

    def hang_up():
        for connection in open_connections:
            connection.shutdown(socket.SHUT_RDWR)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield f"rfc2217://127.0.0.1:{listener.getsockname()[1]}", lines, hang_up
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


def test_opening_does_not_reset_a_board_with_two_transistors(served):
    """They hold EN down while RTS is set and DTR is not."""
    url, lines, _ = served
    with ports.open_serial(url) as port:
        port.write(b"hello\xff")
        heard = b""
        while len(heard) < 6:
            heard += port.read_available()
        assert heard == b"hello\xff"
    assert lines.states
    assert lines.states[-1] == (True, True)
    assert (False, True) not in lines.states


def listen(port):
    while True:
        port.read_available()


def test_a_server_that_hangs_up_is_told(served):
    url, _, hang_up = served
    with ports.open_serial(url) as port:
        hang_up()
        with pytest.raises(ports.PortError, match="was lost.*server") as caught:
            listen(port)
        assert caught.value.reason == "gone"


def test_a_server_that_says_nothing_serves_another_or_is_none(served):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"rfc2217://127.0.0.1:{silent.getsockname()[1]}?timeout=0.2"
        with pytest.raises(ports.PortError, match="another program") as caught:
            ports.open_serial(url)
    assert caught.value.reason == "busy"


@pytest.mark.parametrize("scheme", ["rfc2217", "socket"])
def test_a_server_that_is_not_there_is_told(scheme):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        number = listener.getsockname()[1]
    with pytest.raises(ports.PortError, match="Nothing listens") as caught:
        ports.open_serial(f"{scheme}://127.0.0.1:{number}")
    assert caught.value.reason == "unreachable"


@pytest.mark.parametrize("url", ["rfc2217://", "rfc2217://host", "socket://host:99999", "nonsense://x:1"])
def test_a_url_that_is_none_is_told(url):
    with pytest.raises(ports.PortError, match="is no URL of a port"):
        ports.open_serial(url)


def test_an_unknown_host_and_a_dead_network_are_told():
    words = "Could not open port rfc2217://x:1: [Errno -2] Name or service not known"
    assert "host" in str(ports.trouble("rfc2217://x:1", serial.SerialException(words)))
    words = "Could not open port rfc2217://x:1: timed out"
    assert "cannot be reached" in str(ports.trouble("rfc2217://x:1", serial.SerialException(words)))


def test_a_port_error_stays_as_it_is():
    told = ports.gone("/dev/x")
    assert ports.trouble("/dev/y", told) is told
    assert isinstance(told, HostError)
