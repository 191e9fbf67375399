"""The virtual board: real MicroPython on a real littlefs, and the same scripts on CPython."""

import json
import os
import stat
import subprocess
import textwrap
from pathlib import Path

import pytest

from mailmote_host import carried, virtual
from mailmote_host.board import firmware
from mailmote_host.errors import HostError
from mailmote_host.virtual import machine_stand_in
from mailmote_host.virtual.board import BoardError, VirtualBoard
from mailmote_host.virtual.image import Image

RUNTIMES = pytest.mark.parametrize("runtime", ["micropython", "cpython"])


def script(text):
    return textwrap.dedent(text).encode()


@pytest.fixture
def make(tmp_path):
    """A board whose main.py is the given text; none outlives its test."""
    boards = []

    def make(main, files=None, secrets=None, **options):
        files = {"boot.py": b"", "main.py": script(main), **(files or {})}
        boards.append(
            VirtualBoard(tmp_path / "board", options.pop("settings", {}), secrets or {}, files, **options)
        )
        return boards[-1]

    yield make
    for board in boards:
        board.cut_power()


def run(board, timeout_s=30):
    board.start()
    return board.wait(timeout_s)


@RUNTIMES
def test_scripts_run_in_order_on_a_root_of_their_own(make, runtime):
    board = make(
        """
        import os, json
        print(sorted(os.listdir()), __name__)
        with open("settings.json") as file:
            print(json.load(file)["device"]["name"])
        with open("ca/0.der", "rb") as file:
            print(len(file.read()))
        import mailmote.civil
        import at_root
        print(mailmote.civil.__file__.split(".")[0][-len("/lib/mailmote/civil") :])
        """,
        files={"boot.py": b"print('boot')", "ca/0.der": bytes(5000), "at_root.py": b""},
        settings={"device": {"name": "Kühlhaus"}},
        runtime=runtime,
    )
    assert run(board) == 0
    assert list(board.lines()) == [
        "boot",
        "['at_root.py', 'boot.py', 'ca', 'lib', 'main.py', 'settings.json'] __main__",
        "Kühlhaus",
        "5000",
        "/lib/mailmote/civil",
    ]
    assert board.console.startswith("boot\n[")
    assert board.read_file("settings.json") == '{"device":{"name":"Kühlhaus"}}'.encode()


@RUNTIMES
@pytest.mark.parametrize(
    ("main", "code", "printed"),
    [
        ("1 / 0", 1, "ZeroDivisionError"),
        ("raise SystemExit", 0, ""),
        ("raise SystemExit(3)", 3, ""),
        ("raise SystemExit('no settings')", 1, "no settings"),
        ("raise KeyboardInterrupt", 130, "KeyboardInterrupt"),
        ("print('no newline', end='')", 0, "no newline"),
        ("print('\\xe9\\x1f')", 0, "é\x1f"),
        ("import sys; sys.stdout.buffer.write(b'not \\xff UTF-8')", 0, "not \ufffd UTF-8"),
    ],
)
def test_how_a_script_ends_is_the_exit_code_and_the_end_of_the_console(make, runtime, main, code, printed):
    board = make(main, runtime=runtime)
    assert run(board) == code
    assert printed in board.console
    assert ("Traceback" in board.console) == ("Error" in printed or "Interrupt" in printed)


@RUNTIMES
def test_a_traceback_names_the_line_and_a_failing_boot_script_is_the_last(make, runtime):
    board = make("print('main')", files={"boot.py": b"\n\nmissing_name\n"}, runtime=runtime)
    assert run(board) == 1
    assert 'File "boot.py", line 3, in <module>' in board.console
    assert "main\n" not in board.console


@RUNTIMES
def test_a_board_without_scripts_ends_at_once(make, runtime, monkeypatch):
    monkeypatch.setattr(firmware, "_SCRIPTS", ())
    board = VirtualBoard(make("").folder, {}, {}, runtime=runtime)
    assert "main.py" not in board.list_files()
    assert run(board) == 0


@RUNTIMES
def test_ctrl_c_ends_the_script_by_its_own_handlers(make, runtime):
    board = make(
        """
        import asyncio
        async def work():
            print("working")
            try:
                while True:
                    await asyncio.sleep(60)
            finally:
                with open("last", "w") as file:
                    file.write("words")
        try:
            asyncio.run(work())
        except KeyboardInterrupt:
            print("stopped")
            raise SystemExit(7)
        """,
        runtime=runtime,
    )
    board.start()
    assert next(board.lines()) == "working"
    assert board.running
    assert board.stop() == 7
    assert not board.running
    assert "stopped" in board.console


@RUNTIMES
def test_a_board_that_ignores_ctrl_c_loses_its_power_and_the_error_shows_its_console(make, runtime):
    board = make(
        """
        import time
        print("deaf")
        while True:
            try:
                time.sleep(60)
            except KeyboardInterrupt:
                print("no")
        """,
        runtime=runtime,
    )
    board.start()
    assert next(board.lines()) == "deaf"
    with pytest.raises(BoardError, match="the board still runs after 1 s; its console ends:\ndeaf"):
        board.stop(timeout_s=1)
    assert not board.running


@RUNTIMES
def test_the_context_leaves_no_process(make, runtime):
    with make("import time\nprint('on')\ntime.sleep(600)", runtime=runtime) as board:
        board.start()
        assert next(board.lines()) == "on"
        process = board._process
        assert os.getsid(process.pid) == process.pid
        with pytest.raises(BoardError, match="runs already"):
            board.start()
        with pytest.raises(BoardError, match="stop the board first"):
            board.read_file("settings.json")
        with pytest.raises(BoardError, match="nothing on the console for 0.1 s"):
            list(board.lines(timeout_s=0.1))
    assert process.returncode == -9
    assert board.counters == {}


@RUNTIMES
def test_files_and_secrets_last_over_starts_and_a_new_board_is_a_new_one(make, runtime):
    main = """
        import esp32, os
        nvs = esp32.NVS("mailmote")
        buffer = bytearray(64)
        print(bytes(buffer[: nvs.get_blob("mail.password", buffer)]))
        nvs.set_blob("mail.password", b"changed\\x00\\xff")
        nvs.set_blob("token", b"1")
        nvs.commit()
        nvs.set_blob("token", b"2")
        if "state" not in os.listdir():
            os.mkdir("state")
        with open("state/starts", "a") as file:
            file.write("x")
        """
    board = make(main, secrets={"mail.password": b"pa\xc3\x9f"}, runtime=runtime)
    assert stat.S_IMODE((board.folder / "nvs.json").stat().st_mode) == 0o600
    assert run(board) == 0
    assert board.console == "b'pa\\xc3\\x9f'\n"
    assert stat.S_IMODE((board.folder / "nvs.json").stat().st_mode) == 0o600
    assert run(board) == 0
    assert board.console == "b'changed\\x00\\xff'\n"
    assert board.list_files("/state") == ["starts"]
    assert board.read_file("state/starts") == b"xx"
    with pytest.raises(FileNotFoundError):
        board.read_file("state/absent")
    with pytest.raises(FileNotFoundError):
        board.list_files("/absent")
    assert json.loads((board.folder / "nvs.json").read_text())["mailmote"]["token"] == "MQ=="
    (board.folder / "nvs.json").chmod(0o644)
    fresh = make(main, secrets={"mail.password": b"first"}, runtime=runtime)
    assert stat.S_IMODE((board.folder / "nvs.json").stat().st_mode) == 0o600
    assert "state" not in fresh.list_files()
    assert run(fresh) == 0
    assert fresh.console == "b'first'\n"


@RUNTIMES
def test_the_nvs_has_the_limits_of_the_real_one(make, runtime):
    board = make(
        """
        import esp32
        def number(call, *arguments):
            try:
                call(*arguments)
            except OSError as error:
                return error.args
        nvs = esp32.NVS("mailmote")
        print(number(nvs.get_blob, "absent", bytearray(9)))
        print(number(nvs.erase_key, "absent"))
        print(number(nvs.set_blob, "sixteen.letters.", b""))
        print(number(esp32.NVS, "sixteen.letters."))
        print(number(nvs.set_blob, "fifteen.letters", b"1234"))
        print(number(nvs.get_blob, "fifteen.letters", bytearray(3)))
        nvs.erase_key("fifteen.letters")
        print(number(nvs.get_blob, "fifteen.letters", bytearray(9)))
        print(number(nvs.set_blob, "large", bytes(9000)), number(nvs.set_blob, "large", bytes(9000)))
        print(number(nvs.set_blob, "other", bytes(3000)), number(nvs.set_blob, "large", bytes(9000)))
        """,
        runtime=runtime,
    )
    assert run(board) == 0
    assert list(board.lines()) == [
        "(-4354, 'ESP_ERR_NVS_NOT_FOUND')",
        "(-4354, 'ESP_ERR_NVS_NOT_FOUND')",
        "(-4361, 'ESP_ERR_NVS_KEY_TOO_LONG')",
        "(-4361, 'ESP_ERR_NVS_KEY_TOO_LONG')",
        "None",
        "(-4364, 'ESP_ERR_NVS_INVALID_LENGTH')",
        "(-4354, 'ESP_ERR_NVS_NOT_FOUND')",
        "None None",
        "None (-4357, 'ESP_ERR_NVS_NOT_ENOUGH_SPACE')",
    ]


def test_a_secret_with_too_long_a_name_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(OSError, match="ESP_ERR_NVS_KEY_TOO_LONG"):
        VirtualBoard(tmp_path / "board", {}, {"sixteen.letters.": b"secret"})
    assert not (tmp_path / "board").exists()


@RUNTIMES
def test_the_hardware_answers_as_an_esp32(make, runtime):
    board = make(
        """
        import time
        from machine import ADC, Pin, RTC, WDT
        import machine, network, ntptime, esp32
        print(machine.reset_cause() == machine.PWRON_RESET, len(machine.unique_id()))
        Pin(2, Pin.OUT).on()
        Pin.levels[5] = 1
        ADC.readings[34] = 65535
        print(Pin(2)(), Pin(4, Pin.IN).value(), Pin(6, Pin.IN, Pin.PULL_UP).value(), Pin(5).value())
        print(ADC(Pin(34)).read_uv(), ADC(35, atten=ADC.ATTN_11DB).read_u16())
        RTC().memory(b"kept")
        print(RTC().memory(), RTC().datetime()[0] >= 2024, len(RTC().datetime()))
        station = network.WLAN(network.STA_IF)
        try:
            station.connect("shop", "key")
        except OSError as error:
            print(error.args)
        station.active(True)
        try:
            station.status("rssi")
        except OSError as error:
            print(error.args)
        station.connect("shop", "key")
        other = network.WLAN(network.STA_IF)
        print(other.isconnected(), other.status() == network.STAT_GOT_IP)
        print(other.status("rssi"), other.config("ssid"))
        ntptime.settime()
        print(abs(ntptime.time() - time.time()) < 5)
        print(max(region[2] for region in esp32.idf_heap_info(esp32.HEAP_DATA)))
        watchdog = WDT(timeout=60000)
        watchdog.feed()
        watchdog._timeout_ms = -1
        watchdog.feed()
        """,
        runtime=runtime,
    )
    assert run(board) == 1
    *lines, last = board.lines()
    assert lines == [
        "True 6",
        "1 0 1 1",
        "3300000 32768",
        "b'kept' True 8",
        "(12290, 'Wifi Not Started')",
        "(12303, 'Wifi Not Connected')",
        "True True",
        "-58 shop",
        "True",
        "65536",
    ]
    assert last.startswith("watchdog: fed after ")


COUNTS_STARTS = """
    import machine
    starts = len(machine.RTC().memory()) + 1
    print(starts, machine.reset_cause())
    machine.RTC().memory(bytes(starts))
    try:
        machine.RTC().memory(bytes(2049))
    except ValueError as error:
        print(error)
    {then}
    """


@RUNTIMES
@pytest.mark.parametrize(
    ("then", "code", "cause", "sleep_ms"),
    [
        ("pass", 0, machine_stand_in.SOFT_RESET, None),
        ("machine.soft_reset()", 0, machine_stand_in.SOFT_RESET, None),
        ("machine.reset()", machine_stand_in.EXIT_HARD_RESET, machine_stand_in.HARD_RESET, None),
        (
            "machine.deepsleep(60000)",
            machine_stand_in.EXIT_DEEP_SLEEP,
            machine_stand_in.DEEPSLEEP_RESET,
            60000,
        ),
    ],
)
def test_the_memory_of_the_rtc_outlives_resets_and_no_loss_of_power(
    make, runtime, then, code, cause, sleep_ms
):
    board = make(COUNTS_STARTS.format(then=then), runtime=runtime)
    assert run(board) == code
    assert list(board.lines()) == [f"1 {machine_stand_in.PWRON_RESET}", "buffer too long"]
    assert board.sleep_ms == sleep_ms
    board.start_again()
    board.wait(30)
    assert board.console.startswith(f"2 {cause}\n")
    board.start_again(watchdog=True)
    board.wait(30)
    assert board.console.startswith(f"3 {machine_stand_in.WDT_RESET}\n")
    run(board)
    assert board.console.startswith(f"1 {machine_stand_in.PWRON_RESET}\n")


def test_a_module_runs_compiled_and_from_source_and_a_traceback_has_its_line_in_both(make):
    main = """
        import mailmote.civil, os
        print(os.listdir("/lib/mailmote"))
        mailmote.civil.stamp("no time")
        """
    compiled = make(main)
    assert run(compiled) == 1
    names = firmware.files(compiled=True)
    assert "lib/mailmote/civil.mpy" in names
    assert "lib/mailmote/civil.py" not in names
    assert "civil.mpy" in compiled.console
    assert 'File "mailmote/civil.py", line ' in compiled.console
    place = next(line for line in compiled.console.splitlines() if "mailmote/civil.py" in line).split(
        ", ", 1
    )[1]
    source = make(main, compiled=False)
    assert run(source) == 1
    assert "civil.py" in source.console
    assert "civil.mpy" not in source.console
    assert place in source.console


def test_firmware_without_its_scripts_is_refused(tmp_path, monkeypatch):
    for place in ("_INSTALLED", "_CHECKOUT"):
        monkeypatch.setattr(carried, place, tmp_path)
    with pytest.raises(HostError, match="the folder firmware of mailmote is missing. Install mailmote anew"):
        firmware.files()


def test_what_is_compiled_is_compiled_once_and_again_when_it_changes(tmp_path):
    module = tmp_path / "part.py"
    module.write_text("A = 1\n")
    first = firmware.compiled_module(module, "part.py")
    made = first.stat().st_mtime_ns, first.stat().st_ino
    assert firmware.compiled_module(module, "part.py") == first
    assert (first.stat().st_mtime_ns, first.stat().st_ino) == made
    assert firmware.compiled_module(module, "other.py") != first
    module.write_text("A = 2\n")
    assert firmware.compiled_module(module, "part.py") != first
    module.write_text("A = = 2\n")
    with pytest.raises(
        firmware.FirmwareError, match="part.py does not compile for MicroPython: (?s:.*)SyntaxError"
    ):
        firmware.compiled_module(module, "part.py")


def test_bytecode_of_another_version_is_refused_with_the_fix(micropython):
    firmware.check_bytecode(tuple(micropython), b"M\x06")
    with pytest.raises(
        firmware.FirmwareError, match=r"reads .mpy files of version 6, .* writes version 5: install"
    ):
        firmware.check_bytecode(tuple(micropython), b"M\x05")


def test_the_heap_is_as_large_as_it_was_said_to_be(make):
    main = "kept = bytearray(150 * 1024)\nprint(len(kept))"
    small = make(main, heapsize="128K")
    assert run(small) == 1
    assert "MemoryError" in small.console
    large = make(main, heapsize="256K")
    assert run(large) == 0


def test_a_heap_that_is_too_small_to_start_is_an_error_of_the_start(make):
    with pytest.raises(BoardError, match="(?s)the board did not start; its console ends:.*MemoryError"):
        make("", heapsize="8K").start()


def test_the_counters_tell_what_littlefs_did(make):
    """Up to 128 bytes a file lives in the metadata of its folder and costs no erase."""
    write = "with open('record', 'wb') as file:\n    file.write(bytes(%d))\n"
    counters = []
    for text in ("", write % 128, write % 129):
        board = make(text)
        assert run(board) == 0
        counters.append(board.counters)
    nothing, inline, block = counters
    assert nothing == {"erases": 0, "programmed_bytes": 0}
    assert inline["erases"] == 0
    assert 128 <= inline["programmed_bytes"] <= 512
    assert block["erases"] == 1


WRITES = """
    import time
    print("writing")
    for number in range(%d):
        with open("n%%d" %% (number %% 7), "wb") as file:
            file.write(b"%%04d" %% number * 300)
    print("written")
    time.sleep(600)
    """


def assert_sound(board):
    """Each file holds one of the contents that were written to it, or none yet."""
    for name in board.list_files():
        if name.startswith("n"):
            content = board.read_file(name)
            assert content in (b"", content[:4] * 300)
            assert not content or int(content[:4]) % 7 == int(name[1:])


def test_ctrl_c_is_pressed_when_the_board_waits_not_amid_its_writes(make):
    board = make(WRITES % 2000)
    for _ in range(5):
        board.start()
        assert next(board.lines()) == "writing"
        assert board.stop() == 130
        assert board.console.startswith("writing\nwritten\nTraceback")
        assert board.counters["erases"] >= 2000
        assert_sound(board)


def test_a_power_cut_amid_writes_leaves_the_flash_sound(make):
    board = make(WRITES % 1000000)
    for _ in range(20):
        board.start()
        assert next(board.lines()) == "writing"
        board.cut_power()
        assert "written" not in board.console
        assert_sound(board)


def test_the_image_is_read_and_written_by_both_sides(make):
    """Names, folders and contents, inline and in blocks, there and back, and once more."""
    contents = {"empty": b"", "inline": b"i" * 128, "block": bytes(range(256)) * 100, "a/b/ü": b"deep"}
    main = """
        import os
        for name in ("empty", "inline", "block", "a/b/ü"):
            with open(name, "rb") as file:
                content = file.read()
            with open(name + ".copy", "wb") as file:
                file.write(content)
            print(name, len(content))
        os.remove("inline")
        os.rename("block", "a/moved")
        """
    board = make(main, files=contents)
    assert run(board) == 0
    assert list(board.lines()) == ["empty 0", "inline 128", "block 25600", "a/b/ü 4"]
    for name, content in contents.items():
        assert board.read_file(name + ".copy") == content
    assert board.list_files("a") == ["b", "moved"]
    image = Image(board.folder / "flash.img")
    image.write("inline", b"again")
    image.write("main.py", b"import os\nprint(open('inline').read(), *sorted(os.listdir('a/b')))\n")
    assert run(board) == 0
    assert board.console == "again ü ü.copy\n"


def test_a_file_made_by_the_host_lies_on_the_flash_as_one_made_by_the_board(make):
    """In a block of its own from 129 bytes on: a new name for it programs no copy of its content."""
    board = make("import os\nos.rename('made', 'renamed')", files={"made": bytes(500)})
    assert run(board) == 0
    assert board.counters["programmed_bytes"] < 200


def test_an_image_made_by_micropython_is_read_by_the_host(micropython, tmp_path):
    program = """
        import sys, vfs
        sys.path.insert(0, sys.argv[1])
        import device
        flash = device.Flash(sys.argv[2])
        vfs.VfsLfs2.mkfs(flash)
        made = vfs.VfsLfs2(flash)
        made.mkdir("/folder")
        with made.open("/folder/file", "wb") as file:
            file.write(bytes(5000))
        """
    (tmp_path / "make.py").write_bytes(script(program))
    (tmp_path / "made.img").write_bytes(bytes(512 * 4096))
    modules = Path(virtual.__file__).parent
    subprocess.run(
        [*micropython, tmp_path / "make.py", modules, tmp_path / "made.img"], check=True, timeout=60
    )
    image = Image(tmp_path / "made.img")
    assert image.list("folder") == ["file"]
    assert image.read("folder/file") == bytes(5000)


def test_a_recording_of_the_size_of_the_real_one_fits_and_a_larger_image_does_not(tmp_path):
    assert Image.create(tmp_path / "a.img", {"recording.csv": b"x" * 750_000}).list() == ["recording.csv"]
    with pytest.raises(OSError, match="No space left on device"):
        Image.create(tmp_path / "b.img", {"recording.csv": b"x" * 2_200_000})
    assert not (tmp_path / "b.img").exists()


def test_an_unknown_runtime_is_refused(tmp_path):
    with pytest.raises(ValueError, match="micropython or cpython, not 'pypy'"):
        VirtualBoard(tmp_path, {}, {}, runtime="pypy")
