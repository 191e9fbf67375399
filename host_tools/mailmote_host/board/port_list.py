"""The serial ports of this computer, and what their USB ids tell."""

import os
from typing import NamedTuple

from . import usb_ids
from .log_lines import visible

_BY_ID = "/dev/serial/by-id"


class Port(NamedTuple):
    """A serial port. `by_id` is a name that stays the same when it is plugged in again; "" where there is
    none.

    `chip_guess` is "" for a port that is probably no board.
    """

    device: str
    vid: int | None = None
    pid: int | None = None
    serial_number: str = ""
    description: str = ""
    chip_guess: str = ""
    native_usb: bool = False
    by_id: str = ""

    @property
    def usb_id(self) -> str:
        """As `10C4:EA60`; "" for a port that is not on USB."""
        return "" if self.vid is None else f"{self.vid:04X}:{self.pid or 0:04X}"

    def __str__(self) -> str:
        details = [
            self.description,
            self.usb_id,
            self.serial_number and f"serial number {self.serial_number}",
        ]
        told = ", ".join(detail for detail in details if detail)
        return f"{self.device} ({told})" if told else self.device


def listed() -> list[Port]:
    """The ports there are, those that are probably a board first."""
    from serial.tools import list_ports

    names = _names_by_id()
    ports = []
    for found in list_ports.comports():
        usb = usb_ids.known(found.vid, found.pid)
        description = usb.bridge if usb else found.description or ""
        ports.append(
            Port(
                device=found.device,
                vid=found.vid,
                pid=found.pid,
                serial_number=visible((found.serial_number or "").encode()),
                description=visible(description.encode()) if description != "n/a" else "",
                chip_guess=usb.chip_guess if usb else "",
                native_usb=usb.native_usb if usb else False,
                by_id=names.get(os.path.realpath(found.device), ""),
            )
        )
    return sorted(ports, key=lambda port: (not port.chip_guess, port.vid is None, port.device))


class Whereabouts:
    """Where a port is now. A native USB port may come back under another name: its serial number tells.

    A serial number that another port has too tells nothing: cheap bridges all say 0001.
    """

    def __init__(self, port: str):
        self._port = port
        ports = listed()
        here = next((found for found in ports if self._is_given(found)), None)
        number = here.serial_number if here else ""
        is_its_own = sum(found.serial_number == number for found in ports) == 1
        self._serial_number = number if is_its_own else ""
        self.native_usb = here is not None and here.native_usb

    def name(self) -> str:
        """Its name now; the one that was given while it is not there, or where no number tells."""
        if not self._serial_number:
            return self._port
        here = (found.device for found in listed() if found.serial_number == self._serial_number)
        return next(here, self._port)

    def is_there(self) -> bool:
        """By its number, or by its name: the loader of an ESP32-S2 has another number."""
        return any(
            self._is_given(found) or (self._serial_number and found.serial_number == self._serial_number)
            for found in listed()
        )

    def _is_given(self, found: Port) -> bool:
        return self._port in (found.device, found.by_id)


def _names_by_id() -> dict[str, str]:
    """Only Linux has them."""
    try:
        with os.scandir(_BY_ID) as entries:
            return {os.path.realpath(entry.path): entry.path for entry in entries}
    except OSError:
        return {}
