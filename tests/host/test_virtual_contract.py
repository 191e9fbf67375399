"""The virtual board under the programs that people have: the real esptool and the real mpremote."""

import hashlib
import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from mailmote_program import until_said

from mailmote_host import cli
from mailmote_host.virtual import micropython_image
from mailmote_host.virtual.rom.chips import CHIPS
from mailmote_host.virtual.serial_board import SerialBoard
from mailmote_host.virtual.tcp_port import TcpPort, TcpPortError

STUB, NO_STUB = (), ("--no-stub",)
TRANSPORTS = pytest.mark.parametrize("transport", ["pty", "rfc2217"])


def program(*arguments, timeout_s=100):
    """(exit code, what it printed), of a real program."""
    done = subprocess.run(
        [sys.executable, "-m", *map(str, arguments)], capture_output=True, timeout=timeout_s, check=False
    )
    printed = (done.stdout + done.stderr).decode(errors="replace").replace("\r\n", "\n")
    return done.returncode, printed


def esptool(board, *arguments):
    """With its port a pseudo-terminal: somebody presses the buttons."""
    board.hold_boot_and_reset()
    code, printed = program("esptool", "--port", board.port, *arguments)
    assert code == 0, printed
    return printed


def mpremote(board, *arguments):
    code, printed = program("mpremote", "connect", board.port, *arguments)
    assert code == 0, printed
    return printed


def image_file(folder, chip, **options):
    path = folder / "firmware.bin"
    path.write_bytes(micropython_image.build(chip, **options))
    return path


@pytest.mark.parametrize("how", [STUB, NO_STUB], ids=["stub", "no-stub"])
@pytest.mark.parametrize("chip", CHIPS)
def test_esptool_flashes_a_bare_board_and_it_boots(make, tmp_path, chip, how):
    board = make(chip=chip)
    assert b"invalid header: 0xffffffff\r\n" in board.said
    offset = f"0x{CHIPS[chip].bootloader_offset:x}"
    image = image_file(tmp_path, chip, version="1.26.0")
    told = esptool(board, *how, "flash-id")
    assert f"Connected to {chip.upper().replace('ESP32', 'ESP32-', 1).rstrip('-')} on" in told
    assert re.search(r"MAC: +02:6d:6f:74:65:01", told)
    assert re.search(r"Crystal frequency: +40MHz", told)
    assert "Detected flash size: 4MB" in told
    told = esptool(board, *how, "write-flash", offset, image)
    assert "Hash of data verified" in told
    esptool(board, *how, "verify-flash", offset, image)
    assert b"MicroPython" not in board.said
    board.reset()
    until_said(board, b"Performing initial setup\r\n")
    until_said(board, b"MicroPython v1.26.0 on ")
    machine = f"Generic {chip.upper()} module with {chip.upper()}"
    assert mpremote(board, "exec", "import sys; print(sys.implementation._machine)").strip() == machine
    assert mpremote(board, "fs", "ls").endswith("boot.py\n")
    if how == STUB:
        esptool(board, "erase-flash")
        board.reset()
        until_said(board, b"invalid header: 0xffffffff\r\n", 2)


def test_esptool_reads_and_erases_and_does_without_compression_and_at_speed(make, tmp_path):
    board = make({}, secrets={"a": b"1"}, flash_mb=16, chip="esp32s3")
    assert "Detected flash size: 16MB" in esptool(board, "--baud", "921600", "flash-id")
    assert "02:6d:6f:74:65:01" in esptool(board, "read-mac")
    assert "MAC" in esptool(board, "chip-id")
    image = image_file(tmp_path, "esp32s3", flash_bytes=16 << 20, size_of_padding_bytes=100_000)
    for how in (STUB, NO_STUB):
        esptool(board, *how, "write-flash", "--no-compress", "0x0", image)
        esptool(board, *how, "read-flash", "0x8000", "0x1000", tmp_path / "read")
        assert (tmp_path / "read").read_bytes() == image.read_bytes()[0x8000:0x9000]
        esptool(board, *how, "erase-region", "0x10000", "0x1000")
        esptool(board, *how, "read-flash", "0x10fc0", "0x80", tmp_path / "read")
        assert (tmp_path / "read").read_bytes() == b"\xff" * 64 + image.read_bytes()[0x11000:0x11040]
    assert board.secrets == {}  # the image covers the NVS
    board.hold_boot_and_reset()
    code, printed = program("esptool", "--port", board.port, "verify-flash", "0x0", image)
    assert (code, "Verification failed" in printed) == (2, True), printed


def test_one_url_serves_esptool_and_then_mpremote(make, tmp_path):
    """The lines of RFC 2217 reset the board into its loader, and out of it."""
    board = make(chip="esp32c3", transport="rfc2217")
    image = image_file(tmp_path, "esp32c3")
    code, printed = program("esptool", "--chip", "esp32c3", "--port", board.port, "write-flash", "0", image)
    assert code == 0, printed
    assert "Hash of data verified" in printed
    assert "NOT reset" not in printed
    assert mpremote(board, "exec", "print(6 * 7)") == "42\n"
    assert board.said.count(b"waiting for download") == 1


@pytest.mark.parametrize("damage", [0x0, 0x8000, 0x10000, 0x11000])
def test_a_damaged_flash_does_not_boot_until_it_is_written_anew(make, tmp_path, damage):
    board = make({"main.py": b"print('still here')\n"}, chip="esp32c6")
    until_said(board, b"still here")
    image = image_file(tmp_path, "esp32c6")
    bad = tmp_path / "bad"
    bad.write_bytes(bytes(0x100))
    esptool(board, "write-flash", f"0x{damage:x}", bad)
    board.cut_power()
    board.start()
    assert not board.said.endswith(b"SPI_FAST_FLASH_BOOT)\r\n")
    assert b"MicroPython" not in board.said
    esptool(board, "write-flash", "0x0", image)
    board.reset()
    until_said(board, b"still here")


@TRANSPORTS
def test_mpremote_works_on_it(make, tmp_path, transport):
    board = make({"main.py": b"print('main')\n"}, transport=transport)
    content = bytes(range(256)) * 20 + b"\r\n\x03\x04"
    (tmp_path / "source").write_bytes(content)
    package = tmp_path / "package" / "thing"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("VALUE = 'installed'\n")
    urls = {"urls": [["thing/__init__.py", "thing/__init__.py"]], "version": "1"}
    (package.parent / "package.json").write_text(json.dumps(urls))
    digest = hashlib.sha256(content).hexdigest()
    told = mpremote(
        board,
        *("exec", "print('executed')", "+", "fs", "mkdir", "folder", "+"),
        *("fs", "cp", tmp_path / "source", ":folder/copy", "+", "fs", "ls", "folder", "+"),
        *("fs", "sha256sum", "folder/copy", "+", "mip", "install", package.parent / "package.json", "+"),
        *("exec", "import thing; print(thing.VALUE)", "+", "fs", "cp", ":folder/copy", tmp_path / "back"),
    )
    for words in ("executed\n", "5124 copy\n", digest, "Installing: /lib/thing/__init__.py\n", "installed\n"):
        assert words in told
    assert (tmp_path / "back").read_bytes() == content
    mpremote(board, "reset")
    until_said(board, b"main\r\n", 2)


@TRANSPORTS
def test_mpremote_mounts_a_folder_and_code_on_the_board_works_in_it(make, tmp_path, transport):
    """Its octets go over the line as they are: newlines, 255, and those that are keys elsewhere."""
    board = make({}, transport=transport)
    folder = tmp_path / "mounted"
    folder.mkdir()
    (folder / "there.py").write_text("VALUE = 'imported'\n")
    octets = bytes(range(256)) * 5
    (folder / "in").write_bytes(octets)
    (folder / "program.py").write_text(
        "import os, there\n"
        "print(there.VALUE, sorted(os.listdir()), __name__)\n"
        "data = open('in', 'rb').read()\n"
        "print(len(data), sum(data))\n"
        "with open('out', 'wb') as file:\n"
        "    file.write(data)\n"
        "    file.write(b'\\xff\\n\\xff\\xff\\r\\n\\x01\\x02\\x03')\n"
    )
    told = mpremote(board, "mount", folder, "exec", "import program")
    assert "imported ['in', 'program.py', 'there.py'] program\n1280 163200\n" in told
    assert (folder / "out").read_bytes() == octets + b"\xff\n\xff\xff\r\n\x01\x02\x03"
    told = mpremote(board, "mount", folder, "run", folder / "program.py")
    assert told.endswith("__main__\n1280 163200\n")
    assert mpremote(board, "exec", "print(1)") == "1\n"


def test_a_second_program_is_not_let_in_and_the_first_goes_on(make):
    board = make({}, transport="rfc2217")
    number = int(board.port.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", number), 30) as first:
        first.sendall(b"\r\x03print(1 +")
        until_said(board, b"print(1 +")
        with socket.create_connection(("127.0.0.1", number), 30) as second:
            assert second.recv(100) == b"port is in use\r\n"
            assert second.recv(1) == b""
        first.sendall(b" 1)\r")
        until_said(board, b"\n2\r\n")
    assert mpremote(board, "exec", "print(3)") == "3\n"


def test_without_power_there_is_nothing_to_connect_to_and_the_url_stays(make):
    board = make({}, transport="rfc2217")
    url = board.port
    address = ("127.0.0.1", int(url.rpartition(":")[2]))
    with socket.create_connection(address, 30) as client:
        client.sendall(b"print(5)\r")
        until_said(board, b"\n5\r\n")
        board.cut_power()
        while client.recv(1000):
            pass
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address, 30)
    board.start()
    with pytest.raises(TcpPortError, match=f"TCP port {address[1]} cannot be used"):
        TcpPort(address[1])
    assert board.port == url
    assert mpremote(board, "exec", "print(3)") == "3\n"


def test_a_client_that_goes_after_any_octet_or_talks_nonsense_does_no_harm(make):
    board = make({}, transport="rfc2217")
    address = ("127.0.0.1", int(board.port.rpartition(":")[2]))
    lines = b"\xff\xfa\x2c\x05\x08\xff\xf0\xff\xfa\x2c\x05\x0b\xff\xf0"
    opening = b"\xff\xfb\x2c\xff\xfd\x00" + lines + b"\r\x03\x01print(1)\x04"
    pieces = [opening[:length] for length in range(len(opening))]
    nonsense = [
        b"\xff\xf0",  # the end of an option that never began
        b"\xff\xfa\x2c\x01\xff\xf0",  # a baud rate without a number
        b"\xff\xfa\x2c\x03\x99\xff\xf0",  # a parity that there is not
        b"\xff\xfa" + b"x" * 5000,  # an option without an end
    ]
    for sent in pieces + nonsense:
        with socket.create_connection(address, 30) as client:
            client.sendall(sent)
    for sent in nonsense:
        with socket.create_connection(address, 30) as client:
            client.sendall(sent)
            with suppress(ConnectionResetError):
                while client.recv(1000):
                    pass
    assert mpremote(board, "exec", "print(3)") == "3\n"


def test_a_client_that_goes_amid_a_reset_lets_the_board_start(make):
    board = make({"main.py": b"print('main')\n"}, transport="rfc2217")
    until_said(board, b"main\r\n")
    address = ("127.0.0.1", int(board.port.rpartition(":")[2]))
    with socket.create_connection(address, 30) as client:
        client.sendall(b"\xff\xfa\x2c\x05\x0b\xff\xf0print(1)\r")  # RTS on, DTR off: it is held in reset
        while b"\xff\xfa\x2c\x69\x0b\xff\xf0" not in client.recv(1000):
            pass
        assert board.said.count(b"rst:0x1") == 1
    until_said(board, b"main\r\n", 2)
    assert b"print(1)" not in board.said


def test_a_client_that_never_reads_does_not_hold_the_board_up(make):
    board = make(
        {"main.py": b"for n in range(3000):\n    print('x' * 1000)\nprint('done')\n"}, transport="rfc2217"
    )
    address = ("127.0.0.1", int(board.port.rpartition(":")[2]))
    with socket.create_connection(address, 30):
        board.reset()
        until_said(board, b"done\r\n")


@contextmanager
def command(*arguments, stdin=subprocess.DEVNULL):
    """The command in a process of its own, and the first line that it prints."""
    process = subprocess.Popen(
        [sys.executable, "-m", "mailmote_host", "virtual-board", *map(str, arguments)],
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        assert process.stdout
        yield process, process.stdout.readline().decode()
    finally:
        process.kill()
        process.communicate()


def read_until(opened, words):
    said = b""
    while words not in said:
        assert select.select([opened], [], [], 30)[0], said
        said += opened.read(1000)


def mailmote_children(pid):
    listed = subprocess.run(
        ["ps", "-e", "-o", "pid=,ppid="], capture_output=True, text=True, check=True
    ).stdout
    pairs = [tuple(map(int, line.split())) for line in listed.splitlines()]
    found = [child for child, parent in pairs if parent == pid]
    return found + [grandchild for child in found for grandchild in mailmote_children(child)]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_the_command_runs_a_board_until_it_is_stopped_and_leaves_nothing(tmp_path, number):
    main = tmp_path / "main.py"
    main.write_text("print('main loops')\nwhile True:\n    pass\n")
    with command("--json", "--flashed", "--transport", "pty", "--folder", tmp_path / "kept") as (
        process,
        line,
    ):
        facts = json.loads(line)
        assert (facts["chip"], facts["flash_mb"], facts["folder"]) == ("esp32", 4, str(tmp_path / "kept"))
        port = facts["port"]
        assert program("mpremote", "connect", port, "fs", "cp", main, ":main.py", "+", "reset")[0] == 0
        with open(port, "rb", buffering=0) as opened:
            read_until(opened, b"main loops\r\n")
        children = mailmote_children(process.pid)
        assert len(children) == 2
        process.send_signal(number)
        assert process.wait(30) == (-9 if number == signal.SIGKILL else 0)
        deadline_s = time.monotonic() + 30
        while any(
            Path(f"/proc/{child}/fd").exists() and os.path.exists(f"/proc/{child}/exe") for child in children
        ):
            assert time.monotonic() < deadline_s
            time.sleep(0.01)
    with SerialBoard(tmp_path / "kept", kept=True) as board:
        assert board.image.read("main.py") == main.read_bytes()


def test_keys_on_the_terminal_press_buttons_and_pull_the_plug(tmp_path):
    terminal, keyboard = os.openpty()
    image = tmp_path / "firmware.bin"
    try:
        with command("--chip", "esp32s2", "--transport", "pty", "--image", image, stdin=keyboard) as (
            process,
            line,
        ):
            port = re.search(r" is on (\S+);", line)[1]
            assert "p cuts the power" in line
            os.write(terminal, b"b\n")
            with open(port, "rb", buffering=0) as opened:
                read_until(opened, b"waiting for download\r\n")
            assert program("esptool", "--port", port, "write-flash", "0x1000", image)[0] == 0
            os.write(terminal, b"what?\nr\n")
            assert program("mpremote", "connect", port, "exec", "open('kept', 'w').close()")[0] == 0
            os.write(terminal, b"p\n")
            assert "kept\n" in program("mpremote", "connect", port, "fs", "ls")[1]
            process.send_signal(signal.SIGINT)
            assert process.wait(30) == 0
            assert b"r presses reset" in process.stderr.read()
    finally:
        os.close(terminal)
        os.close(keyboard)


def test_a_tcp_port_that_is_taken_or_in_vain_is_told(capsys, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
        assert cli.main(["virtual-board", "--tcp-port", str(number), "--folder", str(tmp_path)]) == 1
    assert (
        f"TCP port {number} cannot be used (Address already in use). Name another" in capsys.readouterr().err
    )
    assert cli.main(["virtual-board", "--tcp-port", "1234", "--transport", "pty"]) == 2
    assert "--tcp-port is for --transport rfc2217." in capsys.readouterr().err


def test_an_image_is_written_over_no_other_file(tmp_path):
    path = tmp_path / "ESP32_GENERIC-20250415-v1.25.0.bin"
    path.write_bytes(b"downloaded by hand")
    assert cli.main(["virtual-board", "--image", str(path)]) == 2
    assert path.read_bytes() == b"downloaded by hand"
    path.unlink()
    for _ in range(2):
        with command("--image", path) as (_, line):
            assert "A virtual esp32" in line


def test_one_board_at_a_time_runs_in_a_folder_and_it_keeps_its_chip(tmp_path, capsys):
    with command("--folder", tmp_path) as (_, line):
        assert "A virtual esp32" in line
        assert cli.main(["virtual-board", "--folder", str(tmp_path)]) == 1
        assert "runs in" in capsys.readouterr().err
    assert cli.main(["virtual-board", "--folder", str(tmp_path), "--chip", "esp32c3"]) == 2
    assert "has an esp32, not an esp32c3" in capsys.readouterr().err
    with command("--folder", tmp_path) as (_, line):
        assert "A virtual esp32" in line
