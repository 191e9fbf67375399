"""Trouble with a serial port, in words: what happened, and the fix for the system at hand.

pyserial, termios, mpremote and the system share no class of errors, and some put the number into a text
alone.
"""

import errno
import os
import platform
import re
from typing import Literal
from urllib.parse import urlsplit

from ..errors import HostError
from . import port_list

Reason = Literal["denied", "busy", "missing", "gone", "unreachable", "unusable"]

_NUMBERS = re.compile(r"(?:\[Errno (-?\d+)\]|\((-?\d+), )")
# As `PermissionError(13, 'Access is denied.', None, 5)`: the last is Windows' own number; texts are
# translated.
_WINDOWS_NUMBER = re.compile(r"None, (\d+)\)")
_OPENING = re.compile(r"could not (?:open|exclusively lock) ", re.IGNORECASE)
_UNCONFIGURED = "Could not configure"  # a device file with nothing behind it, such as /dev/ttyS3

_BUSY = (errno.EBUSY, errno.EAGAIN, errno.ETXTBSY)
_DENIED = (errno.EACCES, errno.EPERM)
_MISSING = (errno.ENOENT, errno.ENODEV, errno.ENOTDIR)
_GONE = (errno.EIO, errno.ENXIO, errno.EBADF, errno.ENODEV, errno.EPIPE, errno.ECONNRESET, errno.ETIMEDOUT)
# https://learn.microsoft.com/windows/win32/debug/system-error-codes
_WINDOWS_BUSY = (5, 32, 170)  # ACCESS_DENIED, SHARING_VIOLATION, BUSY
_WINDOWS_MISSING = (2, 3, 433)  # FILE_NOT_FOUND, PATH_NOT_FOUND, NO_SUCH_DEVICE
_WINDOWS_GONE = (21, 22, 31, 121, 995, 1167)  # NOT_READY … GEN_FAILURE, SEM_TIMEOUT … DEVICE_NOT_CONNECTED
_GONE_TEXTS = ("disconnected", "reader thread died", "that is not open", "device reports error")


class PortError(HostError):
    """A port cannot be used. The text says which, why, and the fix; `reason` is for programs."""

    def __init__(self, text: str, reason: Reason = "unusable"):
        super().__init__(text)
        self.reason: Reason = reason


def trouble(port: str, error: BaseException, system: str = "") -> PortError:
    """What an error in opening or using a port means. `system` is as platform.system() has it."""
    system = system or platform.system()
    if isinstance(error, PortError):
        return error
    text = str(error)
    if "://" in port:
        return _url_trouble(port, text)
    reason = _windows_reason(text) if system == "Windows" else _posix_reason(error, text)
    if reason == "denied":
        return PortError(_denied(port, system), reason)
    if reason == "busy":
        return PortError(_busy(port, system), reason)
    if reason == "missing":
        return PortError(_missing(port, system), reason)
    if reason == "gone":
        return gone(port)
    return PortError(f"{port} is no serial port that can be used. Give the name of the board's port.")


def gone(port: str) -> PortError:
    """The port of a board that was there a moment ago."""
    return PortError(
        f"The port {port} went away. See that the board is plugged in firmly, then try again.", "gone"
    )


def _windows_reason(text: str) -> Reason:
    found = _WINDOWS_NUMBER.search(text)
    number = int(found[1]) if found else 0
    if not _OPENING.search(text):
        return "gone" if number or any(words in text for words in _GONE_TEXTS) else "unusable"
    if number in _WINDOWS_BUSY:
        return "busy"
    if number in _WINDOWS_MISSING:
        return "missing"
    return "gone" if number in _WINDOWS_GONE else "unusable"


def _posix_reason(error: BaseException, text: str) -> Reason:
    number = _number(error, text)
    if number == errno.EIO and text.startswith(_UNCONFIGURED):
        return "unusable"
    if number in _DENIED:
        return "denied"
    if number in _BUSY:
        return "busy"
    if number in _GONE and not (number in _MISSING and _OPENING.search(text)):
        return "gone"
    if number in _MISSING:
        return "missing"
    return "gone" if any(words in text for words in _GONE_TEXTS) else "unusable"


def _number(error: BaseException, text: str) -> int | None:
    number = getattr(error, "errno", None)
    if number is None and error.args and isinstance(error.args[0], int):
        number = error.args[0]  # termios.error
    if number is None and (found := _NUMBERS.search(text)):
        number = int(found[1] or found[2])
    return number


def _denied(port: str, system: str) -> str:
    if system != "Linux":
        return f"You may not use the port {port}. See who may: `ls -l {port}`."
    group, joined = _owning_group(port)
    if not group or group == "root":
        return (
            f"You may not use the port {port}, which no group but root's owns. Let everybody use it until "
            f"it is plugged in again: `sudo chmod a+rw {port}`."
        )
    if joined:
        return (
            f"You may not use the port {port} yet: you joined its group {group} after you logged in. Log "
            f"out and in again, or go on in `newgrp {group}`."
        )
    return (
        f"You may not use the port {port}. Join the group that owns it: `sudo usermod -aG {group} $USER`, "
        "then log out and in again."
    )


def _owning_group(port: str) -> tuple[str, bool]:
    """The group of a device, and whether this user is in it as from the next log-in."""
    try:
        import grp
        import pwd

        owner = grp.getgrgid(os.stat(port).st_gid)
        return owner.gr_name, pwd.getpwuid(os.getuid()).pw_name in owner.gr_mem
    except (ImportError, OSError, KeyError):
        return "dialout", False  # of Debian and its like; uucp elsewhere


def _busy(port: str, system: str) -> str:
    if system == "Windows":
        return (
            f"The port {port} is in use by another program (Access is denied). Close it: a serial monitor, "
            "an editor, a slicer, another mailmote. Then try again; pull the board's plug if nothing helps."
        )
    if system != "Linux":
        return (
            f"The port {port} is in use by another program. Close it: a serial monitor, an editor, another "
            f"mailmote. `lsof {port}` names it. Then try again."
        )
    holders = _holders(port)
    if holders:
        return f"The port {port} is in use by {' and '.join(holders)}. Close that, then try again."
    return (
        f"The port {port} is in use by another program. Close it: a serial monitor, an editor, another "
        f"mailmote (`sudo fuser -v {port}` names it). ModemManager holds a port for some seconds after the "
        "board is plugged in: wait, or `sudo systemctl stop ModemManager`. Then try again."
    )


def _holders(port: str) -> list[str]:
    """The programs of this user that have a device open, by /proc."""
    device, holders = os.path.realpath(port), []
    try:
        processes = [name for name in os.listdir("/proc") if name.isdecimal() and int(name) != os.getpid()]
    except OSError:
        return []
    for process in processes:
        try:
            with os.scandir(f"/proc/{process}/fd") as descriptors:
                if not any(os.readlink(descriptor.path) == device for descriptor in descriptors):
                    continue
            with open(f"/proc/{process}/comm", encoding="utf-8", errors="replace") as name:
                holders.append(f"{name.read().strip()} (process {process})")
        except OSError:
            continue  # another user's, or it has ended
    return sorted(holders)


def _missing(port: str, system: str) -> str:
    return f"There is no port {port}. {there_are(system)}"


def there_are(system: str = "") -> str:
    """The ports that are there, and what to do when the board's is not."""
    ports = port_list.listed()
    known = f"There {'is' if len(ports) == 1 else 'are'}: {'; '.join(map(str, ports))}. " if ports else ""
    fix = _APPEARANCE.get(system or platform.system(), "")
    absent = "If the board's is not there: plug it in, with a cable that carries data (many only charge)"
    return f"{known}{absent}{fix}."


_APPEARANCE = {
    "Linux": (
        ", and look at `sudo dmesg | tail`. If a CH340 (1A86:7523) vanishes as soon as it is plugged in, "
        "brltty has taken it: `sudo apt remove brltty`, then plug it in again"
    ),
    "Darwin": (
        ", allow the accessory to connect if macOS asks, and use the name that begins with /dev/cu. A "
        "bridge of WCH or Silicon Labs may need the driver of its maker"
    ),
    "Windows": (
        ", and look for it under Ports in the Device Manager. One with an exclamation mark needs the driver "
        "of its maker (Silicon Labs for a CP210x, WCH for a CH340)"
    ),
}


def _url_trouble(port: str, text: str) -> PortError:
    lower = text.lower()
    if "refused" in lower:
        return PortError(
            f"Nothing listens at {port}. Start its server (such as `mailmote virtual-board`), then try "
            "again.",
            "unreachable",
        )
    if not _has_address(port) or ("protocol" in lower and "not known" in lower):
        return PortError(
            f"{port} is no URL of a port. Give one such as rfc2217://host:port or socket://host:port."
        )
    if any(words in lower for words in ("name or service", "getaddrinfo", "nodename", "name resolution")):
        return PortError(f"The host of {port} is not known. Check its name, and the network.", "unreachable")
    if "rfc2217" in lower and ("does not seem" in lower or "does not accept" in lower):
        return PortError(
            f"What listens at {port} does not answer as an RFC 2217 server. It may serve another program at "
            "the moment: close that, then try again. Or the URL is that of something else.",
            "busy",
        )
    if _OPENING.search(text) or "timed out" in lower or "unreachable" in lower:
        return PortError(
            f"{port} cannot be reached. Check the address, the network, and that its server runs.",
            "unreachable",
        )
    return PortError(f"The connection to {port} was lost. See that its server runs, then try again.", "gone")


def _has_address(url: str) -> bool:
    parts = urlsplit(url)
    try:
        return parts.scheme not in ("rfc2217", "socket") or bool(parts.hostname and parts.port)
    except ValueError:
        return False
