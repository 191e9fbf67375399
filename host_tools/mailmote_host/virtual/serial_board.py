"""A board on a serial port: esptool flashes it, and mpremote finds real MicroPython on a real littlefs.

    with SerialBoard(folder, files) as board:
        board.start()
        subprocess.run(["mpremote", "connect", board.port, "ls"])

Its flash, `flash.bin` in the folder, is as large as a chip's, and decides what boots: MicroPython where
bootloader, partition table and app are sound (`rom.boot`), else nothing. In download mode the loader of the
ROM answers (`rom.loader`). What the partition of the NVS would hold is in `nvs.json`, what the RTC keeps over
resets of the chip in `rtc.json`.

The port is a pseudo-terminal, there before and after power, or RFC 2217 on TCP, with the modem lines that
reset a board into its loader. One thread serves it from power-on to power-off.
"""

import threading
from collections.abc import Mapping
from pathlib import Path

from ..board import firmware
from . import interpreter, machine_stand_in, micropython_image, provision
from .board import LAUNCHER, BoardError
from .flash_file import FlashFile
from .image import Image
from .pty_port import PtyPort
from .reset_lines import Reset
from .rom import boot
from .rom.chips import CHIPS
from .rom.loader import Loader
from .serial_process import SerialProcess
from .spawner import ORDERS_FD, REPORTS_FD, Spawner
from .supervisor import Supervisor
from .tcp_port import TcpPort
from .wires import Port, Wires

_LAUNCHER = ("console_modules", "orders", "serial_device", *LAUNCHER)
_START_TIMEOUT_S = 30
_MAX_SAID_BYTES = 1 << 22
_LAST_BYTES = 2000  # of what it said, in an error


class SerialBoard:
    """A new board. With `files` MicroPython is on it and they are its root; with None its flash is erased.

    `secrets` are the blobs of its NVS. `kept` takes the board that is in the folder already, if there is one.
    `image` is its filesystem, to be looked at while the power is off. `heapsize` is MicroPython's
    `-X heapsize`. Leaving the context cuts the power and removes the port. Raises OSError for files that do
    not fit, TcpPortError for a `tcp_port` that is taken.
    """

    def __init__(
        self,
        folder: str | Path,
        files: Mapping[str, bytes] | None = None,
        secrets: Mapping[str, bytes] | None = None,
        heapsize: str = "296K",
        chip: str = "esp32",
        transport: str = "pty",
        flash_mb: int = 4,
        tcp_port: int = 0,
        kept: bool = False,
    ):
        self._chip = CHIPS[chip]
        self.folder = Path(folder).resolve()
        self.folder.mkdir(parents=True, exist_ok=True)
        self._nvs = self.folder / "nvs.json"
        self._rtc = self.folder / "rtc.json"
        path = self.folder / "flash.bin"
        if kept and path.exists() and self._nvs.exists():
            self._flash = FlashFile(path, self._nvs)
        else:
            self._flash = self._new_flash(path, flash_mb << 20, files)
            provision.write_nvs(self._nvs, secrets or {})
        self.flash_mb = self._flash.size >> 20
        self.image = Image(path, micropython_image.VFS_OFFSET)
        self._launcher = self.folder / "launcher"
        provision.write_launcher(self._launcher, _LAUNCHER, compiled=True)
        self._heapsize = heapsize
        self._port: Port = TcpPort(tcp_port) if transport == "rfc2217" else PtyPort(self.folder / "port")
        self.port = self._port.name
        self._wires = Wires(self._port)
        self._thread: threading.Thread | None = None
        self._booted = threading.Event()
        self._fault = ""
        self._said = bytearray()

    def start(self) -> None:
        """Power on. Returns when boot.py begins, or when the ROM has said that nothing boots.

        Raises BoardError if MicroPython does not start.
        """
        if self._thread is not None:
            raise BoardError("the board runs already")
        command = interpreter.find()
        firmware.check_bytecode(tuple(command), (self._launcher / "device.mpy").read_bytes())
        self._booted.clear()
        self._said.clear()
        self._fault = ""
        self._port.plug()
        self._thread = threading.Thread(target=self._run, args=(Spawner(), command), daemon=True)
        self._thread.start()
        if not self._booted.wait(_START_TIMEOUT_S):
            self._fault = f"the board did not start within {_START_TIMEOUT_S} s"
        if self._fault:
            self.cut_power()  # which tells it

    def reset(self) -> None:
        """Press the reset button."""
        self._wires.press(Reset.HELD, Reset.FLASH)

    def hold_boot_and_reset(self) -> None:
        """Press the reset button while BOOT is held: into the loader, for esptool."""
        self._wires.press(Reset.HELD, Reset.LOADER)

    def cut_power(self) -> None:
        """End all that runs at once, wherever it is. Raises BoardError if it had failed before."""
        if self._thread is not None:
            self._wires.press(Reset.OFF)
            self._thread.join()
            self._thread = None
            self._port.unplug()
        self.check()

    def check(self) -> None:
        """Raise BoardError, once, if the board has failed: MicroPython ended, and was not told to."""
        if self._fault:
            fault, self._fault = self._fault, ""
            raise BoardError(f"{fault}; it last said:\n{self.said[-_LAST_BYTES:].decode(errors='replace')}")

    @property
    def said(self) -> bytes:
        """What the board sent to the port since power-on, the last 4 MiB of it; nothing of its loader."""
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
            self._wires.close()

    def _new_flash(self, path: Path, size: int, files: Mapping[str, bytes] | None) -> FlashFile:
        if files is None:
            return FlashFile.create(path, self._nvs, size)
        firmware_file = micropython_image.build(self._chip.name, flash_bytes=size)
        return FlashFile.create(path, self._nvs, size, firmware_file, self._chip.bootloader_offset, files)

    def _run(self, spawner: Spawner, command: list[str]) -> None:
        state = Reset.FLASH
        self._rtc.unlink(missing_ok=True)
        try:
            while state is not Reset.OFF:
                state = self._until_reset(state, spawner, command)
        except (BoardError, OSError) as error:
            self._fault = str(error)
        finally:
            spawner.close()
            self._booted.set()

    def _until_reset(self, state: Reset, spawner: Spawner, command: list[str]) -> Reset:
        """Be what a reset made of the chip. Returns the next one."""
        if state is Reset.HELD:
            self._rtc.unlink(missing_ok=True)  # EN takes the power from the RTC, too
            return self._idle()
        if state is Reset.WATCHDOG:
            provision.set_reset_cause(self._rtc, machine_stand_in.WDT_RESET)
        if state is Reset.LOADER:
            self._say(boot.download(self._chip).said)
            self._booted.set()
            return self._load()
        start = boot.from_flash(self._chip, self._flash)
        self._say(start.said)
        if start.version is None:
            self._booted.set()
            return self._idle()
        command = [*command, "-X", f"heapsize={self._heapsize}", "-c", self._script(start.version)]
        supervisor = Supervisor(self._wires, lambda: SerialProcess(spawner, command), self._say)
        try:
            return supervisor.run(self._booted.set)
        finally:
            supervisor.power_off()

    def _script(self, version: str) -> str:
        """What MicroPython runs to become this board."""
        arguments = (
            str(self._flash.path),
            micropython_image.VFS_OFFSET,
            str(self._nvs),
            str(self._rtc),
            (ORDERS_FD, REPORTS_FD),
            self._chip.name,
            version,
        )
        return (
            f"import sys; sys.path[:] = ['.frozen', {str(self._launcher)!r}]; import serial_device; "
            f"serial_device.run(*{arguments!r})"
        )

    def _idle(self) -> Reset:
        """Nothing runs that listens to the port."""
        while True:
            self._wires.wait()
            taken = self._wires.take()
            if isinstance(taken, Reset):
                return taken

    def _load(self) -> Reset:
        loader = Loader(self._chip, self._flash)
        while not loader.left:
            self._wires.wait()
            taken = self._wires.take()
            if isinstance(taken, Reset):
                return taken
            self._port.write(loader.receive(taken))
        return Reset.FLASH

    def _say(self, data: bytes) -> None:
        self._said += data
        del self._said[:-_MAX_SAID_BYTES]
        self._port.write(data)
