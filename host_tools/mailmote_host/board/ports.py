"""Serial ports: which there are, which one is meant, and opening one with every trouble in words.

To open a port must not reset the board. Boards with the usual two transistors between DTR, RTS, EN and IO0
reset when RTS is set and DTR is not (docs.espressif.com, esptool, boot mode selection): so both are set, DTR
first, which is also what a native USB port needs to send.
"""

import contextlib
import errno
import os
import re
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import serial

from ..errors import UsageError
from .port_list import Port, Whereabouts, listed
from .port_trouble import PortError, Reason, gone, there_are, trouble

__all__ = ["Port", "PortError", "Reason", "SerialPort", "choose", "gone", "listed", "open_serial"]
__all__ += ["Whereabouts", "distinct", "there_are", "trouble", "unopened"]

BAUD_RATE = 115200
_NO_MODEM_LINES = (errno.ENOTTY, errno.EINVAL, errno.ENOTSUP)
_DEVICE_NAME = re.compile(r"[/\\]|^COM\d+$|://", re.IGNORECASE)

_Result = TypeVar("_Result")


class SerialPort:
    """An open port. All its methods raise PortError; `close` never does. Made by `open_serial`."""

    def __init__(self, name: str, port: Any):
        self.name = name
        self._port = port

    def read(self, size: int = 1) -> bytes:
        """Up to `size` bytes, waiting for them until the time is over."""
        return self._try(lambda: self._port.read(size))

    def read_available(self) -> bytes:
        """What is there, waiting for the first byte until the time is over; b"" then."""
        data = self.read()
        if data:
            with contextlib.suppress(PortError):  # the next call raises it
                data += self.read(self.in_waiting)
        return data

    def write(self, data: bytes) -> int:
        return self._try(lambda: self._port.write(data)) or 0

    @property
    def in_waiting(self) -> int:
        return self._try(lambda: self._port.in_waiting)

    @property
    def timeout(self) -> float | None:
        return self._port.timeout

    @timeout.setter
    def timeout(self, timeout_s: float | None) -> None:
        self._port.timeout = timeout_s

    def flush(self) -> None:
        self._try(self._port.flush)

    def reset_input_buffer(self) -> None:
        self._try(self._port.reset_input_buffer)

    def set_lines(self, dtr: bool, rts: bool) -> bool:
        """DTR, then RTS. Returns whether the port has such lines."""
        set_dtr = self._try(lambda: _set_line(self._port, "dtr", dtr))
        return self._try(lambda: _set_line(self._port, "rts", rts)) and set_dtr

    def close(self) -> None:
        """Free the port, and let the board run."""
        with contextlib.suppress(Exception):
            if os.name == "nt":  # which would clear DTR first, and so reset the board
                _set_line(self._port, "rts", False)
                _set_line(self._port, "dtr", False)
        with contextlib.suppress(Exception):
            self._port.close()

    def __enter__(self) -> "SerialPort":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _try(self, action: Callable[[], _Result]) -> _Result:
        try:
            return action()
        except Exception as error:  # pyserial, termios and ctypes share no class
            converted = trouble(self.name, error)
        raise converted


def open_serial(port: str, baud_rate: int = BAUD_RATE, timeout_s: float | None = 0.1) -> SerialPort:
    """Open a device or a URL of pyserial for this program alone, without a reset of the board where that can
    be.

    `timeout_s` is for each read. Raises PortError.
    """
    try:
        return SerialPort(port, _opened(port, baud_rate, timeout_s))
    except Exception as error:  # pyserial, termios and ctypes share no class
        converted = trouble(port, error)
    raise converted


def unopened(port: str) -> PortError:
    """Why a port that another library could not open cannot be."""
    try:
        open_serial(port).close()
    except PortError as error:
        return error
    return PortError(f"The port {port} could not be opened, and now can be. Try again.", "busy")


def choose(port: str | None) -> str:
    """The port that is meant: the given one, or the one with that serial number, or the only board there is.

    Raises UsageError, which lists what there is.
    """
    if port and _DEVICE_NAME.search(port):
        return port
    ports = listed()
    if port:
        return _numbered(port, ports)
    probable = [found for found in ports if found.chip_guess] or [found for found in ports if found.vid]
    if len(probable) == 1:
        return probable[0].device
    if probable:
        raise UsageError(
            f"There are several boards. Choose one with --port: {'; '.join(map(str, probable))}."
        )
    raise UsageError(f"No board was found, and --port names none. {there_are()}")


def distinct(names: Iterable[str]) -> list[str]:
    """For each port, a text that is that of another name of the same port, and of no other port.

    A name may be a device or a link to one, a URL, or a serial number of USB.
    """
    ports = listed()
    by_number = {found.serial_number.lower(): found.device for found in ports if found.serial_number}
    by_name = {os.path.basename(found.device).lower(): found.device for found in ports}
    found = []
    for name in names:
        device = by_number.get(name.lower()) or by_name.get(name.lower()) or name
        if "://" in device:
            found.append(device.lower())
        else:
            found.append(os.path.realpath(device) if os.path.exists(device) else os.path.normcase(device))
    return found


def _numbered(serial_number: str, ports: list[Port]) -> str:
    found = [
        port.device
        for port in ports
        if serial_number.lower() in (port.serial_number.lower(), os.path.basename(port.device).lower())
    ]
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError(
            f"Several ports have the serial number {serial_number}: {', '.join(found)}. Choose one of them "
            "with --port."
        )
    raise UsageError(f"There is no port, and no board with the serial number, {serial_number}. {there_are()}")


def _opened(name: str, baud_rate: int, timeout_s: float | None) -> Any:
    port = serial.serial_for_url(name, do_not_open=True, baudrate=baud_rate, timeout=timeout_s)
    is_device = "://" not in name
    if is_device:
        port.exclusive = True
    port.dtr = port.rts = os.name != "nt"
    port.open()
    try:
        if os.name == "nt":  # whose drivers set the two at different times when they open
            _set_line(port, "dtr", True)
            _set_line(port, "rts", True)
        if is_device and os.name == "posix":
            _keep_lines_at_close(name, port.fileno())
    except BaseException:
        port.close()
        raise
    return port


def _set_line(port: Any, line: str, state: bool) -> bool:
    try:
        setattr(port, line, state)
    except OSError as error:
        if error.errno not in _NO_MODEM_LINES:
            raise
        return False
    return True


def _keep_lines_at_close(name: str, descriptor: int) -> None:
    """Not on native USB: its board would go on sending to nobody, and wait at each line it prints."""
    import termios

    with contextlib.suppress(termios.error):
        settings = termios.tcgetattr(descriptor)
        if settings[2] & termios.HUPCL and not _is_native_usb(name):
            settings[2] &= ~termios.HUPCL
            termios.tcsetattr(descriptor, termios.TCSANOW, settings)


def _is_native_usb(name: str) -> bool:
    device = os.path.realpath(name)
    return any(found.native_usb for found in listed() if os.path.realpath(found.device) == device)
