"""A board on a serial port: real MicroPython on a real littlefs, that mpremote and its like can talk to.

    with SerialBoard(folder, files) as board:
        board.start()
        subprocess.run(["mpremote", "connect", board.port, "ls"])

The port is a pseudo-terminal, there before and after power. One thread moves the octets, plays the REPL
(`repl`) and supervises MicroPython (`serial_process`); each reset is a new process of it. Another port
needs the methods of PtyPort. Ctrl-C is pressed when the board next waits, or after a second. What the board
prints ends its lines with CR LF; so does sys.stdout.buffer, which a real board leaves alone: `mpremote mount`
fails.
"""

import os
import select
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from . import firmware, interpreter, orders, provision, stand_ins
from .board import BoardError
from .image import Image
from .pty_port import PtyPort
from .repl import CTRL_C, INTERRUPTED, RESTART, Console, Order, Outcome, cooked
from .serial_process import Report, SerialProcess
from .spawner import ORDERS_FD, REPORTS_FD, Spawner

_LAUNCHER = ("device", "orders", "serial_device", "stand_ins", "startup")
_INTERRUPT_CHECK_S = 0.002
_START_TIMEOUT_S = 30
_MAX_SAID_BYTES = 1 << 22
_LAST_BYTES = 2000  # of what it said, in an error
_RESET, _OFF = b"r", b"o"


class SerialBoard:
    """A board newly flashed: `files` are its root, `secrets` the blobs of its NVS.

    `image` is its flash, to be looked at while the power is off. `heapsize` is MicroPython's `-X heapsize`.
    Leaving the context cuts the power and removes the port. Raises OSError for files that do not fit.
    """

    def __init__(
        self,
        folder: str | Path,
        files: Mapping[str, bytes],
        secrets: Mapping[str, bytes] | None = None,
        heapsize: str = "256K",
    ):
        self.folder = Path(folder).resolve()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.image = Image.create(self.folder / "flash.img", files)
        self._nvs = self.folder / "nvs.json"
        provision.write_nvs(self._nvs, secrets or {})
        self._launcher = self.folder / "launcher"
        provision.write_launcher(self._launcher, _LAUNCHER, compiled=True)
        self._heapsize = heapsize
        self._port = PtyPort()
        self.port = self._port.name
        self._buttons_read, self._buttons = os.pipe()
        os.set_blocking(self._buttons_read, False)
        self._thread: threading.Thread | None = None
        self._booted = threading.Event()
        self._fault = ""
        self._said = bytearray()

    def start(self) -> None:
        """Power on. Returns when boot.py begins; raises BoardError if MicroPython does not start."""
        if self._thread is not None:
            raise BoardError("the board runs already")
        command = interpreter.find()
        firmware.check_bytecode(tuple(command), (self._launcher / "device.mpy").read_bytes())
        self._booted.clear()
        self._said.clear()
        self._fault = ""
        self._thread = threading.Thread(target=self._run, args=(Spawner(), command), daemon=True)
        self._thread.start()
        if not self._booted.wait(_START_TIMEOUT_S):
            self._fault = f"the board did not start within {_START_TIMEOUT_S} s"
        if self._fault:
            self.cut_power()  # which tells it

    def reset(self) -> None:
        """Press the reset button."""
        os.write(self._buttons, _RESET)

    def cut_power(self) -> None:
        """End MicroPython at once, wherever it is. Raises BoardError if it had failed before."""
        if self._thread is not None:
            os.write(self._buttons, _OFF)
            self._thread.join()
            self._thread = None
        if self._fault:
            fault, self._fault = self._fault, ""
            raise BoardError(f"{fault}; it last said:\n{self.said[-_LAST_BYTES:].decode(errors='replace')}")

    @property
    def said(self) -> bytes:
        """What the board sent to the port since power-on, the last 4 MiB of it."""
        return bytes(self._said)

    @property
    def secrets(self) -> dict[str, bytes]:
        """The blobs in the NVS, as far as they were committed."""
        return provision.read_nvs(self._nvs)

    def __enter__(self) -> "SerialBoard":
        return self

    def __exit__(self, *exception: object) -> None:
        try:
            self.cut_power()
        finally:
            self._port.close()
            os.close(self._buttons_read)
            os.close(self._buttons)

    def _run(self, spawner: Spawner, command: list[str]) -> None:
        script = (
            f"import sys; sys.path[:] = ['.frozen', {str(self._launcher)!r}]; import serial_device; "
            f"serial_device.run({str(self.image.path)!r}, {str(self._nvs)!r}, {ORDERS_FD}, {REPORTS_FD})"
        )
        command = [*command, "-X", f"heapsize={self._heapsize}", "-c", script]
        pressed = _RESET
        try:
            while pressed == _RESET:
                supervisor = _Supervisor(self._port, lambda: SerialProcess(spawner, command), self._say)
                try:
                    pressed = supervisor.run(self._buttons_read, self._booted.set)
                finally:
                    supervisor.power_off()
        except (BoardError, OSError) as error:
            self._fault = str(error)
        finally:
            spawner.close()
            self._booted.set()

    def _say(self, data: bytes) -> None:
        self._said += data
        del self._said[:-_MAX_SAID_BYTES]
        self._port.write(data)


class _Supervisor:
    """Moves octets between port, REPL and MicroPython, from power-on to the next button."""

    def __init__(self, port: PtyPort, new_process: Callable[[], SerialProcess], say: Callable[[bytes], None]):
        self._port = port
        self._new_process = new_process
        self._say = say
        self._console = Console(say)
        self._steps = self._console.run()
        self._order = next(self._steps)  # the REPL waits for what comes of it, or, with None, for octets
        self._begun = False
        self._process = new_process()

    def run(self, buttons: int, booted: Callable[[], None]) -> bytes:
        """Returns the button that was pressed. Raises BoardError, OSError where MicroPython fails."""
        while True:
            pressed = self._wait(buttons)
            if pressed:
                return pressed
            self._port.flush()
            self._typed(self._port.read())
            reports = self._process.reports()
            self._listen()  # what was printed comes before its report
            for report in reports:
                if report.kind == orders.STARTED:
                    booted()
                self._reported(report)
            if self._process.ended:
                self._ended()

    def power_off(self) -> None:
        """End MicroPython, wherever it is."""
        self._process.end(kill=True)
        self._process.close()

    def _wait(self, buttons: int) -> bytes:
        """Until something is to be done. Returns the button that was pressed, if one was."""
        process = self._process
        timeout_s = None
        if self._begun and process.interrupt_is_wanted:
            process.interrupt_if_wanted()
            timeout_s = _INTERRUPT_CHECK_S
        readable = [self._port.fileno(), buttons, process.output_fd, process.reports_fd]
        writable = [self._port.fileno()] if self._port.has_waiting else []
        if process.input_fd is not None:
            writable.append(process.input_fd)
        ready, ready_to_write, _ = select.select(readable, writable, [], timeout_s)
        if process.input_fd in ready_to_write:
            process.type()
        return os.read(buttons, 1) if buttons in ready else b""

    def _typed(self, data: bytes) -> None:
        """To the REPL, or to the code that runs. Ctrl-C interrupts that, or what a start is about to run."""
        if self._order is not None and CTRL_C in data:
            self._process.want_interrupt()
            data = data.replace(bytes((CTRL_C,)), b"")
        if not data:
            return
        if self._order is None or self._order is RESTART:
            self._console.typed(data)
        else:
            self._process.type(data)
        if self._order is None:
            self._obey(next(self._steps))

    def _reported(self, report: Report) -> None:
        if report.kind == orders.BEGUN:
            self._begun = True
            return
        if report.kind != orders.STARTED:
            self._begun = False
            self._process.settle()
            self._console.typed(self._process.take_back())
        text = INTERRUPTED if report.kind == orders.INTERRUPTED else report.content
        self._obey(self._steps.send(Outcome(text)))

    def _ended(self) -> None:
        """The code has ended MicroPython, which is a reset."""
        code = self._process.end()
        if self._order is None or self._order is RESTART:
            raise BoardError(f"MicroPython ended with code {code}, and was not told to")
        self._listen()
        self._console.typed(self._process.take_back())
        hard = code == stand_ins.EXIT_HARD_RESET or code < 0  # negative: it crashed
        self._obey(self._steps.send(Outcome(ended=True, hard=hard)))

    def _obey(self, order: Order | None) -> None:
        """Do what the REPL wants next."""
        self._order = order
        if order is None:
            self._process.forget_interrupt()
        elif order is RESTART:
            self._process.end()
            self._listen()
            self._process.close()
            self._begun = False
            self._process = self._new_process()
        else:
            self._process.order(order.kind, order.content)
        if order is not None:
            self._typed(self._console.take_back())

    def _listen(self) -> None:
        printed = self._process.output()
        if printed:
            self._say(cooked(printed))
