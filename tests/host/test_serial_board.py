"""The virtual board on a serial port, as the real mpremote finds it."""

import contextlib
import hashlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from mailmote_program import until_said

from mailmote_host.board import firmware
from mailmote_host.virtual import machine_stand_in, orders, serial_board
from mailmote_host.virtual.board import BoardError
from mailmote_host.virtual.pty_port import PtyPort
from mailmote_host.virtual.serial_board import SerialBoard
from mailmote_host.virtual.serial_process import SerialProcess
from mailmote_host.virtual.tcp_port import TcpPort

WAITS = b"import time\nprint('main waits')\nwhile True:\n    time.sleep(60)\n"


def mpremote(board, *arguments, timeout_s=60):
    """(exit code, what it printed), of the real program. Its complaints go to the test's report."""
    done = subprocess.run(
        [sys.executable, "-m", "mpremote", "connect", board.port, *arguments],
        capture_output=True,
        timeout=timeout_s,
        check=False,
    )
    sys.stderr.write(done.stderr.decode(errors="backslashreplace"))
    return done.returncode, done.stdout.replace(b"\r\n", b"\n")


def test_code_is_executed_and_an_exception_is_told(make):
    board = make({})
    assert mpremote(board, "exec", "print(6 * 7)") == (0, b"42\n")
    assert mpremote(board, "eval", "'\\xe4' * 2") == (0, "ää\n".encode())
    code, said = mpremote(board, "exec", "def f():\n  raise ValueError('why')\nf()")
    assert (code, said) == (
        1,
        b'Traceback (most recent call last):\n  File "<stdin>", line 3, in <module>\n'
        b'  File "<stdin>", line 2, in f\nValueError: why\n',
    )
    code, said = mpremote(board, "exec", "a b")
    assert code == 1
    assert said.endswith(b"SyntaxError: invalid syntax\n")


def test_code_longer_than_any_window_or_pipe_arrives_whole(make, tmp_path):
    board = make({}, heapsize="2M")
    source = tmp_path / "long.py"
    source.write_text("text = '''" + "0123456789\n" * 9000 + "'''\nprint(len(text), hash(text))\n")
    code, said = mpremote(board, "run", str(source))
    assert (code, said.split()[:1]) == (0, [b"99000"])


def test_names_last_until_the_soft_reset_and_files_beyond(make):
    board = make({"boot.py": b"print('boot')\n", "main.py": b"print('main')\n"})
    mpremote(board, "exec", "kept = 5; open('kept', 'w').write('6')")
    assert mpremote(board, "resume", "exec", "print(kept)") == (0, b"5\n")
    assert mpremote(board, "soft-reset") == (0, b"")
    code, said = mpremote(board, "resume", "exec", "print(open('kept').read()); kept")
    assert (code, said.startswith(b"6\n"), said.endswith(b"NameError: name 'kept' isn't defined\n")) == (
        1,
        True,
        True,
    )
    assert board.said.count(b"main\r\n") == 1  # at power-on alone: a raw REPL does not run it


def test_files_are_copied_listed_hashed_and_removed(make, tmp_path):
    board = make({"there": b"already"})
    content = bytes(range(256)) * 20 + b"\r\n\x03\x04"
    (tmp_path / "source").write_bytes(content)
    assert mpremote(board, "fs", "mkdir", "lib")[0] == 0
    assert mpremote(board, "fs", "cp", str(tmp_path / "source"), ":lib/copy")[0] == 0
    assert mpremote(board, "fs", "ls", "lib") == (0, b"ls :lib\n        5124 copy\n")
    digest = hashlib.sha256(content).hexdigest().encode()
    assert mpremote(board, "fs", "sha256sum", "lib/copy") == (0, b"sha256sum :lib/copy\n" + digest + b"\n")
    again = mpremote(board, "fs", "cp", str(tmp_path / "source"), ":lib/copy")
    assert b"Up to date" in again[1]
    assert mpremote(board, "fs", "cp", ":lib/copy", str(tmp_path / "back"))[0] == 0
    assert (tmp_path / "back").read_bytes() == content
    assert mpremote(board, "fs", "rm", "there")[0] == 0
    board.cut_power()
    assert board.image.list() == ["lib"]
    assert board.image.read("lib/copy") == content


def test_a_program_that_waits_or_computes_is_interrupted(make):
    board = make({"main.py": WAITS})
    until_said(board, b"main waits")
    assert mpremote(board, "resume", "exec", "print('in')") == (0, b"in\n")
    assert board.said.count(b"KeyboardInterrupt") == 1
    busy = make({"main.py": b"print('main works')\nwhile True:\n    pass\n"})
    until_said(busy, b"main works")
    assert mpremote(busy, "exec", "print('in')") == (0, b"in\n")


def test_a_program_that_catches_ctrl_c_is_interrupted_again(make):
    stubborn = b"import time\ntry:\n    print('first')\n    time.sleep(60)\nexcept KeyboardInterrupt:\n    "
    board = make({"main.py": stubborn + b"print('second')\n    time.sleep(60)\n"})
    until_said(board, b"first\r\n")
    with open(board.port, "r+b", buffering=0) as port:
        port.write(b"\x03")
        until_said(board, b"second\r\n")
        port.write(b"\x03")
        until_said(board, b">>> ")
        port.write(b"print('third')\r")
        until_said(board, b"third\r\n>>> ")


def test_a_program_that_resets_the_board_at_once_is_met_by_ctrl_c_between_two_starts(make):
    """Wherever it strikes, the board lives, and in the end the REPL answers."""
    board = make({"main.py": b"import machine\nmachine.reset()\n"})
    for number in range(10):
        answers = board.said.count(b"raw REPL; CTRL-B to exit\r\n>")
        with open(board.port, "r+b", buffering=0) as port:
            deadline_s = time.monotonic() + 30
            while board.said.count(b"raw REPL; CTRL-B to exit\r\n>") == answers:
                assert time.monotonic() < deadline_s
                board.check()
                port.write(b"\x03\x01")
                time.sleep(number % 5 / 1000)
        board.reset()


class LateCtrlC(SerialProcess):
    """The first of its kind is interrupted just after boot.py is done, and tells both at once."""

    late = [True]

    def reports(self):
        found = super().reports()
        if self.late and any(report.kind == orders.DONE for report in found):
            self.late.clear()
            self._signalled = True
            os.kill(self._pid, signal.SIGINT)
            while all(report.kind != orders.INTERRUPTED for report in found):
                found += super().reports()
        return found


def test_ctrl_c_that_comes_too_late_for_boot_is_not_taken_for_one_of_main(make, monkeypatch):
    monkeypatch.setattr(serial_board, "SerialProcess", LateCtrlC)
    resets_once = b"import machine\nprint('main')\nif machine.reset_cause() == 1:\n    machine.reset()\n"
    board = make({"main.py": resets_once})
    until_said(board, b"main\r\n", 2)
    until_said(board, b">>> ")
    board.check()
    assert not LateCtrlC.late


def test_ctrl_c_hits_any_moment_of_an_order_and_none_is_lost(make):
    """The signal may meet MicroPython before, amid or after the code: each time the REPL goes on."""
    board = make({})
    with open(board.port, "r+b", buffering=0) as port:
        for number in range(200):
            port.write(b"%d; sum(range(%d))\r\x03" % (number, number * 40 % 2000))
            port.write(b"print('n', %d)\r" % number)
            until_said(board, b"n %d\r\n" % number)


def test_ctrl_c_right_behind_a_line_interrupts_it(make):
    board = make({})
    until_said(board, b">>> ")
    with open(board.port, "r+b", buffering=0) as port:
        port.write(b"import time; time.sleep(3600)\r\x03")
        until_said(board, b"KeyboardInterrupt: \r\n>>> ")


def test_what_is_typed_reaches_the_code_and_what_it_leaves_reaches_the_repl(make):
    board = make({})
    with open(board.port, "r+b", buffering=0) as port:
        port.write(b"import sys; print('ready'); sys.stdin.read(3)\r")
        until_said(board, b"ready\r\n")
        port.write(b"abcprint('next')\r")
        until_said(board, b"'abc'\r\n")
        until_said(board, b"next\r\n>>> ")


def test_a_reset_by_code_and_by_the_button_starts_main(make):
    board = make({"main.py": b"print('main')\n"})
    until_said(board, b">>> ")
    assert mpremote(board, "reset")[0] == 0
    until_said(board, b"main\r\n", 2)
    board.reset()
    until_said(board, b"main\r\n", 3)
    assert mpremote(board, "exec", "import sys; sys.exit()")[0] == 0
    assert mpremote(board, "resume", "exec", "print(1)") == (0, b"1\n")


def test_the_reset_button_ends_code_that_runs(make):
    board = make({"main.py": WAITS})
    until_said(board, b"main waits")
    board.reset()
    until_said(board, b"main waits", 2)


def test_what_nobody_reads_does_not_hold_the_board_up(make):
    board = make(
        {
            "main.py": b"print('x' * 300000)\nprint('done')\n",
        },
        heapsize="2M",
    )
    until_said(board, b"done\r\n")
    assert mpremote(board, "exec", "print('in')") == (0, b"in\n")


def test_a_port_that_nobody_reads_keeps_the_newest(tmp_path):
    port = PtyPort(tmp_path / "port")
    for number in range(300):
        port.write(b"%04d" % number * 2500)
    program = os.open(port.name, os.O_RDWR | os.O_NOCTTY)
    read = bytearray()
    while port.writers():
        read += os.read(program, 65536)
        port.flush()
    while not read.endswith(b"0299" * 2500):
        read += os.read(program, 65536)
    os.close(program)
    port.close()
    assert 1 << 20 <= len(read) < 1 << 21


def test_the_name_of_a_port_ends_with_its_board(tmp_path):
    """The terminal's own number is soon another's, and a program may still look for its board."""
    with SerialBoard(tmp_path / "board", {}) as board:
        assert Path(board.port).resolve().is_char_device()
    assert not os.path.lexists(board.port)


def test_a_tcp_port_whose_program_does_not_read_keeps_the_newest():
    port = TcpPort()
    port.plug()
    with socket.create_connection(("127.0.0.1", int(port.name.rpartition(":")[2])), 30) as program:
        assert port.read() == b""
        for number in range(3000):
            port.write(b"%04d" % number * 2500)
        read = bytearray()
        while not read.endswith(b"2999" * 2500):
            port.flush()
            read += program.recv(1 << 20)
    port.close()
    assert 1 << 20 <= len(read) < 15 << 20  # half of it; the system keeps some as well


def test_a_file_that_was_left_open_is_closed_by_a_soft_reset(make):
    board = make({})
    mpremote(board, "exec", "f = open('left', 'w'); f.write('open')")
    mpremote(board, "soft-reset")
    assert mpremote(board, "resume", "fs", "cat", "left") == (0, b"open")


def test_the_nvs_lasts_and_power_can_be_cut_and_come_back(make):
    board = make({"main.py": WAITS}, secrets={"mail.password": b"canary"})
    code = (
        "import esp32; n = esp32.NVS('mailmote'); b = bytearray(20); "
        "print(bytes(b[:n.get_blob('mail.password', b)])); n.set_blob('new', b'1'); n.commit()"
    )
    assert mpremote(board, "exec", code) == (0, b"b'canary'\n")
    board.cut_power()
    assert board.secrets == {"mail.password": b"canary", "new": b"1"}
    board.start()
    until_said(board, b"main waits")


def test_the_firmware_runs_on_it(make):
    board = make(firmware.files())
    until_said(board, b">>> ")
    assert b"settings" in board.said  # there are none, and it says so
    assert mpremote(board, "exec", "import mailmote; print(mailmote.__name__)") == (0, b"mailmote\n")


def test_a_board_that_cannot_start_says_why(make):
    with pytest.raises(BoardError, match=r"(?s)MicroPython ended with code .*MemoryError"):
        make({}, heapsize="8K")


@pytest.mark.parametrize("transport", ["pty", "rfc2217"])
def test_nothing_is_left_when_it_ends(tmp_path, transport):
    before = set(os.listdir("/proc/self/fd")) if os.path.exists("/proc/self/fd") else set()
    threads = threading.active_count()
    with SerialBoard(tmp_path / "b", {}, transport=transport) as board:
        board.start()
        mpremote(board, "soft-reset")
        board.hold_boot_and_reset()
        until_said(board, b"waiting for download\r\n")
    assert set(os.listdir("/proc/self/fd") if before else []) == before
    assert threading.active_count() == threads


def test_a_board_that_fails_says_so_and_can_be_closed(make):
    board = make({})
    until_said(board, b">>> ")
    os.kill(board_process(board), signal.SIGKILL)
    board._thread.join(30)
    with pytest.raises(BoardError, match="MicroPython ended with code -9, and was not told to"):
        board.check()
    board.cut_power()
    board.start()


def board_process(board):
    """The process id of its MicroPython."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if str(board.folder).encode() in path.read_bytes():
                return int(path.parent.name)
    raise AssertionError("it does not run")


def test_raw_output_stays_raw_and_text_gets_carriage_returns(make):
    board = make({})
    code = (
        "import sys; w = sys.stdout.buffer.write; print('a\\nb', file=sys.stdout); "
        "print(w(bytes((10, 255, 13, 10, 255, 255))), w(bytearray(b'12345'), 2), w(b'12345', 1, 3)); "
        "print(sys.stdout.write(b'\\xff\\n'))"
    )
    raw = b"\n\xff\r\n\xff\xff12" + b"234"
    assert mpremote(board, "exec", code)[0] == 0
    assert b"a\r\nb\r\n" + raw + b"6 2 3\r\n\xff\r\n2\r\n" in board.said


def test_code_may_have_ctrl_c_as_data_and_gives_it_back(make):
    board = make({})
    until_said(board, b">>> ")
    with open(board.port, "r+b", buffering=0) as port:
        port.write(
            b"import sys, micropython, time; micropython.kbd_intr(-1); print('off'); "
            b"d = sys.stdin.buffer.read(3); micropython.kbd_intr(3); print(d, 'on'); time.sleep(3600)\r"
        )
        until_said(board, b"off\r\n")
        port.write(b"\x03a\x03")
        until_said(board, b"b'\\x03a\\x03' on\r\n")
        port.write(b"\x03")
        until_said(board, b"KeyboardInterrupt: \r\n>>> ")
        port.write(b"micropython.kbd_intr(-1)\r")
        until_said(board, b"kbd_intr(-1)\r\n>>> ")
        port.write(b"time.sleep(3600)\r\x03")  # the prompt has the key back
        until_said(board, b"KeyboardInterrupt: \r\n>>> ", 2)


def test_it_says_which_chip_and_version_it_is(make):
    board = make({}, chip="esp32c3")
    version = "sys.version.split(' on ')[0].split('; ')[1]"
    code = f"import sys; print(sys.platform, sys.implementation[1][:3], {version})"
    assert mpremote(board, "exec", code) == (0, b"esp32 (1, 25, 0) MicroPython v1.25.0\n")
    assert b"; Generic ESP32C3 module with ESP32C3\r\nType" in board.said


@pytest.mark.parametrize("where", ["main.py", "the prompt", "after a soft reset"])
def test_a_watchdog_that_is_not_fed_resets_the_board(make, where):
    arms = b"import machine\nif machine.RTC().memory() == b'' and open('n').read() == '':\n"
    arms += b"    open('n', 'w').write('1')\n    machine.WDT(timeout=300).feed()\n    print('armed')\n"
    hangs = b"    while True:\n        pass\n" if where == "main.py" else b""
    board = make({"n": b"", "main.py": arms + hangs + b"print('main')\n"})
    if where == "after a soft reset":
        until_said(board, b"main\r\n")
        with open(board.port, "r+b", buffering=0) as port:
            port.write(b"\x04")
            until_said(board, b"soft reboot\r\n")
    until_said(board, b"rst:0x1", 2)
    until_said(board, b"armed\r\n")


def test_the_memory_of_the_rtc_outlives_resets_but_not_the_button_or_the_plug(make):
    told = b"import machine\nprint('held', machine.RTC().memory(), machine.reset_cause())\n"
    board = make({"boot.py": told})

    def until_held(memory, cause, count):
        until_said(board, b"held ", count)
        until_said(board, b"\r\nMicroPython", count)
        assert board.said.split(b"held ")[-1].startswith(f"{memory!r} {cause}\r\n".encode())

    until_held(b"", machine_stand_in.PWRON_RESET, 1)
    with open(board.port, "r+b", buffering=0) as port:
        port.write(b"machine.RTC().memory(b'kept')\r\x04")
        until_held(b"kept", machine_stand_in.SOFT_RESET, 2)
        port.write(b"machine.reset()\r")
        until_held(b"kept", machine_stand_in.HARD_RESET, 3)
        port.write(b"machine.WDT(timeout=300)\r")
        until_held(b"kept", machine_stand_in.WDT_RESET, 4)
        board.reset()
        until_held(b"", machine_stand_in.PWRON_RESET, 5)
        port.write(b"machine.RTC().memory(b'kept')\r")
        until_said(board, b"memory(b'kept')\r\n>>> ", 2)
    board.cut_power()
    board.start()
    until_held(b"", machine_stand_in.PWRON_RESET, 1)


def test_a_watchdog_that_is_fed_lets_it_run(make):
    main = b"import machine, time\nw = machine.WDT(timeout=2000)\nfor n in range(30):\n    w.feed()\n"
    board = make({"main.py": main + b"    time.sleep_ms(100)\nprint('fed')\n"})
    until_said(board, b"fed\r\n")
    assert board.said.count(b"rst:0x1") == 1


def test_a_damaged_filesystem_is_told_and_left_alone(make):
    board = make({"main.py": b"print('main')\n"})
    until_said(board, b"main\r\n")
    board.cut_power()
    flash = board.folder / "flash.bin"
    content = bytearray(flash.read_bytes())
    content[0x200000:0x202000] = b"damaged!" * 1024
    flash.write_bytes(content)
    board.start()
    until_said(board, b"The filesystem is damaged.")
    until_said(board, b">>> ")
    assert mpremote(board, "exec", "print(1)") == (0, b"1\n")
    assert flash.read_bytes() == content


def test_a_blank_filesystem_is_made_once_and_as_large_as_the_flash_allows(make):
    board = make({"boot.py": b""}, flash_mb=8)
    board.cut_power()
    flash = board.folder / "flash.bin"
    content = bytearray(flash.read_bytes())
    content[0x200000:] = b"\xff" * (len(content) - 0x200000)
    flash.write_bytes(content)
    board.start()
    until_said(board, b"Performing initial setup\r\n")
    assert mpremote(board, "exec", "import os; print(os.statvfs('/')[:3])") == (0, b"(4096, 4096, 1536)\n")
    assert mpremote(board, "resume", "exec", "print(open('boot.py').read()[0])") == (0, b"#\n")
    board.cut_power()
    board.start()
    until_said(board, b">>> ")
    assert b"initial setup" not in board.said
    board.cut_power()
    assert board.image.list() == ["boot.py"]


def test_a_board_is_kept_in_its_folder_only_on_request(tmp_path):
    with SerialBoard(tmp_path, {"file": b"1"}, {"secret": b"2"}) as board:
        assert board.image.read("file") == b"1"
    with SerialBoard(tmp_path, {"file": b"3"}, kept=True) as board:
        assert (board.image.read("file"), board.secrets) == (b"1", {"secret": b"2"})
    with SerialBoard(tmp_path, {"file": b"3"}) as board:
        assert (board.image.read("file"), board.secrets) == (b"3", {})
