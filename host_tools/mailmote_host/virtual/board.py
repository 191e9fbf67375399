"""A board in a process: real MicroPython on a real littlefs, or the same firmware in CPython.

    with VirtualBoard(folder, settings, secrets) as board:
        board.start()
        for line in board.lines():
            ...
        code = board.wait(timeout_s=60)

The root of the board is `flash.img` in the folder (with CPython, the folder `root`), its NVS is `nvs.json`.
Both last over starts of one board; a new VirtualBoard is a board newly flashed and provisioned. What its RTC
keeps over resets is `rtc.json`.
"""

import itertools
import json
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from ..board import firmware
from ..errors import HostError
from . import esp32_stand_in, interpreter, machine_stand_in, provision, startup
from .image import Image
from .sleeping import sleeps

LAUNCHER = ("device", "esp32_stand_in", "machine_stand_in", "network_stand_in", "startup")
_START_TIMEOUT_S = 30
_IDLE_TIMEOUT_S = 5
_LAST_LINES = 20  # of the console, in an error


class BoardError(HostError):
    """The board did not do what it was told to. The text ends with the end of its console."""


class VirtualBoard:
    """A board that is made by the constructor and runs between `start()` and its end.

    `settings` becomes settings.json and `secrets` the blobs in the NVS; `files` go to the root, over the
    firmware's of the same name. `heapsize` is MicroPython's `-X heapsize`. `compiled` says whether modules
    are .mpy files. Leaving the context ends the process, as a power cut does. Raises OSError for files that
    do not fit and for a name of a secret that the NVS would refuse.
    """

    def __init__(
        self,
        folder,
        settings: Mapping,
        secrets: Mapping[str, bytes],
        files: Mapping[str, bytes] | None = None,
        runtime="micropython",
        heapsize="296K",
        compiled=True,
    ):
        if runtime not in ("micropython", "cpython"):
            raise ValueError(f"runtime is micropython or cpython, not {runtime!r}")
        for key in secrets:
            esp32_stand_in.check_nvs_name(key)
        self.folder = Path(folder).resolve()
        self._runtime = runtime
        self._heapsize = heapsize
        self._compiled = compiled and runtime == "micropython"
        self._nvs = self.folder / "nvs.json"
        self._rtc = self.folder / "rtc.json"
        self._root = self.folder / "root"
        self._launcher = self.folder / "launcher"
        self._image = Image(self.folder / "flash.img")
        self._process: subprocess.Popen[bytes] | None = None
        self._reader: threading.Thread | None = None
        self._changed = threading.Condition()
        self._forget_last_run()
        content = dict(firmware.files(compiled=self._compiled))
        content["settings.json"] = json.dumps(settings, separators=(",", ":"), ensure_ascii=False).encode()
        content.update(files or {})
        self.folder.mkdir(parents=True, exist_ok=True)
        self._write_root(content)
        provision.write_nvs(self._nvs, secrets)

    def start(self):
        """Power on. Returns when the firmware begins to run; raises BoardError if it does not."""
        if self.running:
            raise BoardError("the board runs already")
        self._rtc.unlink(missing_ok=True)
        self._boot()

    def start_again(self, watchdog: bool = False):
        """Go on as after a reset: the one that has ended the last run, or that of the `watchdog`.

        What the RTC keeps is there. Returns and raises as `start`.
        """
        if self.running:
            raise BoardError("the board has not reset itself")
        if watchdog:
            provision.set_reset_cause(self._rtc, machine_stand_in.WDT_RESET)
        self._boot()

    def _boot(self):
        self._forget_last_run()
        self._process = subprocess.Popen(
            self._command(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            # A Ctrl-C in the terminal is for the program that owns the board; it then stops the board.
            start_new_session=True,
            umask=0o077,
        )
        self._reader = threading.Thread(target=self._read_console, args=(self._process,), daemon=True)
        self._reader.start()
        with self._changed:
            self._changed.wait_for(lambda: self._facts or self._ended, _START_TIMEOUT_S)
            started = "started" in self._facts
        if not started:
            self.cut_power()
            raise BoardError("the board did not start" + self._console_end())

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def lines(self, timeout_s: float = 60) -> Iterator[str]:
        """The lines of the console since the start, as they come, until the board ends.

        Raises BoardError when none comes for `timeout_s`.
        """
        for count in itertools.count():
            line = self._line(count, timeout_s)
            if line is None:
                return
            yield line

    def _line(self, index, timeout_s):
        """A line of the console once it is there, or None after the last."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self._lines) > index or self._ended, timeout_s):
                raise BoardError(f"nothing on the console for {timeout_s:g} s" + self._console_end())
            return self._lines[index] if index < len(self._lines) else None

    def wait(self, timeout_s: float) -> int:
        """The exit code, once the board has ended by itself: 0, or 1 after an uncaught exception.

        Raises BoardError when it still runs after `timeout_s`; it then goes on running.
        """
        process, reader = self._process, self._reader
        if process is None or reader is None:
            raise BoardError("the board was never started")
        deadline_s = time.monotonic() + timeout_s
        try:
            code = process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise BoardError(f"the board still runs after {timeout_s:g} s" + self._console_end()) from None
        reader.join(max(0.1, deadline_s - time.monotonic()))
        return code

    def stop(self, timeout_s: float = 10) -> int:
        """Press Ctrl-C and return the exit code. A board that does not end by it loses its power.

        The key is pressed when the board next waits for something, or after 5 s.
        """
        process = self._process
        if process is not None:
            deadline_s = time.monotonic() + _IDLE_TIMEOUT_S
            while self.running and not sleeps(process.pid) and time.monotonic() < deadline_s:
                time.sleep(0.001)
            process.send_signal(signal.SIGINT)
        try:
            return self.wait(timeout_s)
        except BoardError:
            self.cut_power()
            raise

    def cut_power(self):
        """End the process at once, wherever it is."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        if self._reader is not None:
            self._reader.join()

    @property
    def console(self) -> str:
        """All that was printed since the start."""
        with self._changed:
            return "".join(line + "\n" for line in self._lines)

    @property
    def counters(self) -> dict[str, int]:
        """`erases` and `programmed_bytes` of the run that ended; empty after a power cut and in CPython."""
        with self._changed:
            return {name: self._facts[name] for name in ("erases", "programmed_bytes") if name in self._facts}

    @property
    def sleep_ms(self) -> int | None:
        """For how long a board sleeps that has gone to deep sleep, 0 for ever; None of any other board."""
        self._must_not_run()
        return json.loads(self._rtc.read_text("ascii"))["sleep_ms"]

    def read_file(self, name) -> bytes:
        """The content of a file of a board that does not run. Raises FileNotFoundError."""
        self._must_not_run()
        if self._runtime == "cpython":
            return (self._root / name).read_bytes()
        return self._image.read(name)

    def read_secret(self, name) -> bytes:
        """A secret of a board that does not run. Raises KeyError."""
        self._must_not_run()
        return provision.read_nvs(self._nvs)[name]

    def list_files(self, folder="/") -> list[str]:
        """The names in a folder of a board that does not run. Raises FileNotFoundError."""
        self._must_not_run()
        if self._runtime == "cpython":
            return sorted(path.name for path in (self._root / folder.strip("/")).iterdir())
        return self._image.list(folder)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.cut_power()

    def _forget_last_run(self):
        self._lines: list[str] = []
        self._facts: dict[str, int] = {}
        self._ended = False

    def _write_root(self, content):
        if self._runtime == "micropython":
            Image.create(self._image.path, content)
            provision.write_launcher(self._launcher, LAUNCHER, self._compiled)
            return
        shutil.rmtree(self._root, ignore_errors=True)
        for name, data in content.items():
            path = self._root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)

    def _command(self):
        if self._runtime == "cpython":
            module = "mailmote_host.virtual.cpython_device"
            return [
                sys.executable,
                "-u",
                "-P",
                "-m",
                module,
                "--root",
                str(self._root),
                "--nvs",
                str(self._nvs),
                "--rtc",
                str(self._rtc),
            ]
        command = interpreter.find()
        if self._compiled:
            firmware.check_bytecode(tuple(command), (self._launcher / "device.mpy").read_bytes())
        script = (
            f"import sys; sys.path[:] = ['.frozen', {str(self._launcher)!r}]; import device; "
            f"device.run({str(self._image.path)!r}, {str(self._nvs)!r}, {str(self._rtc)!r})"
        )
        return [*command, "-X", f"heapsize={self._heapsize}", "-c", script]

    def _read_console(self, process):
        for raw in process.stdout:
            text, mark, facts = raw.decode(errors="replace").rstrip("\r\n").partition(startup.FACTS_MARK)
            with self._changed:
                if text or not mark:
                    self._lines.append(text)
                if mark:
                    self._facts.update(json.loads(facts))
                self._changed.notify_all()
        process.stdout.close()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _console_end(self):
        last = self._lines[-_LAST_LINES:]
        return "; its console ends:\n" + "\n".join(last) if last else "; its console is empty"

    def _must_not_run(self):
        if self.running:
            raise BoardError("stop the board first: its flash changes while it runs")
