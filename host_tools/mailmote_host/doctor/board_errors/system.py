"""Errors of the system: errno numbers and name look-ups.

The ESP32 has the numbers of newlib where a computer has those of Linux: 113 is ECONNABORTED there and
EHOSTUNREACH here. A name beside the number decides; a bare number is taken for the ESP32's. Sources: errno.h
of newlib and of Linux, netdb.h of lwIP 2.1, mperrno.h and ports/esp32/modsocket.c of MicroPython.
"""

import re
from collections.abc import Iterator

from ..explanations.form import LongForm
from .form import Fault, Found

_LINKS = ("https://docs.micropython.org/en/latest/library/errno.html",)
_MEANING = (
    "MicroPython tells errors of the system as OSError with a number, sometimes with its name. Numbers "
    "above 100 are other ones on an ESP32 than on a computer."
)
_NETWORK_STEPS = (
    "See that the board is in the network: mailmote status.",
    "Test from a computer of the same network whether the server answers: mailmote doctor mote.toml.",
)

# Name, numbers (on an ESP32 first), cause, fix, steps.
_ROWS = (
    (
        "ENOENT",
        (2,),
        "There is no file, or no object, of that name.",
        "Provision the board again if it is a file of mailmote; else correct the name.",
        (),
    ),
    (
        "EIO",
        (5,),
        "Reading or writing failed: the flash, a bus or a peripheral gave an error.",
        "Check the sensor's wires. If it is the flash, erase and flash the board again, or replace it.",
        (),
    ),
    (
        "EBADF",
        (9,),
        "A connection or a file was used after it was closed.",
        "Restart the board; in a program of your own, look for a second close().",
        (),
    ),
    (
        "EAGAIN",
        (11,),
        "Nothing is there yet, and the program did not want to wait. Often it is a time limit.",
        "Try again. If it lasts, the server or the network is slow.",
        (),
    ),
    (
        "ENOMEM",
        (12,),
        "The system has too little memory, of which TLS and Wi-Fi take most.",
        "Use fewer sensors and alarms, restart the board, or use a board with SPIRAM.",
        (),
    ),
    (
        "EACCES",
        (13,),
        "That is not allowed, as writing to what can only be read.",
        "Check the path, and on a computer its permissions.",
        (),
    ),
    (
        "EBUSY",
        (16,),
        "A device is in use already, as a pin by two sensors.",
        "Give each sensor a pin of its own in mote.toml; restart the board.",
        (),
    ),
    ("EEXIST", (17,), "A file of that name is there already.", "Remove it, or take another name.", ()),
    (
        "ENODEV",
        (19,),
        "No device answers: on I2C, no sensor at that address.",
        "Check the sensor's power, its two wires and its address; I2C needs pull-up resistors.",
        (),
    ),
    ("EISDIR", (21,), "This is a folder, and a file was wanted.", "Correct the path.", ()),
    (
        "EINVAL",
        (22,),
        "A value cannot be used there.",
        "Correct it: the line above the error says where.",
        (),
    ),
    (
        "ENFILE",
        (23,),
        "Too many connections or files are open: an ESP32 has about 10 sockets.",
        "Restart the board; in a program of your own, close what is not needed.",
        (),
    ),
    (
        "ENOSPC",
        (28,),
        "The flash is full.",
        "Remove files that the board does not need: mpremote df, then mpremote rm.",
        (),
    ),
    ("EROFS", (30,), "The file system can only be read.", "Restart the board without USB storage.", ()),
    (
        "ENETUNREACH",
        (114, 101),
        "The board has no way to that network.",
        "Check the Wi-Fi, and that DHCP hands out a gateway.",
        _NETWORK_STEPS,
    ),
    (
        "EADDRINUSE",
        (112, 98),
        "The port is in use already, by an earlier run.",
        "Restart the board, or wait a minute.",
        (),
    ),
    (
        "ENETDOWN",
        (115, 100),
        "The network is down.",
        "Check the Wi-Fi; the board connects again by itself.",
        _NETWORK_STEPS,
    ),
    (
        "ECONNABORTED",
        (113, 103),
        "The connection broke off: mostly Wi-Fi was lost, or packets got no answer. Older firmware prints "
        "113 for EHOSTUNREACH too.",
        "Try again. If it lasts, look at the Wi-Fi signal, and whether a firewall cuts the connection.",
        _NETWORK_STEPS,
    ),
    (
        "ECONNRESET",
        (104,),
        "The server, or a firewall in its place, tore the connection down.",
        "Try again. If it lasts, check host and port, and firewalls on the way.",
        _NETWORK_STEPS,
    ),
    (
        "ENOBUFS",
        (105,),
        "The network's buffers are used up.",
        "Try again; restart the board if it lasts.",
        (),
    ),
    (
        "ETIMEDOUT",
        (116, 110),
        "Nothing answered in time: a server, or a sensor on I2C.",
        "A server: its port may be blocked, as 25 often is. A sensor: check its power and wires.",
        _NETWORK_STEPS,
    ),
    (
        "ECONNREFUSED",
        (111,),
        "The computer was reached, and no program listens on that port.",
        "Check host and port in mote.toml.",
        _NETWORK_STEPS,
    ),
    (
        "EHOSTUNREACH",
        (118,),
        "There is no way to that computer: Wi-Fi is down, or the address is of another network.",
        "Check the Wi-Fi and the address; restart the router.",
        _NETWORK_STEPS,
    ),
    (
        "EINPROGRESS",
        (119,),
        "Connecting has begun and is not done: no fault, unless a program takes it for one.",
        "In a program of your own, wait until the socket can be written.",
        (),
    ),
    (
        "ENOTCONN",
        (128, 107),
        "The connection is not there any more, or not yet.",
        "Try again; the board connects anew by itself.",
        (),
    ),
    (
        "EISCONN",
        (127, 106),
        "The connection is there already.",
        "In a program of your own, connect once on each socket.",
        (),
    ),
)

# Of getaddrinfo: lwIP's EAI_* on an ESP32, and -2 and -6 on other boards and computers.
_NO_NAME = (-202, -2, -6, -200, -203, -5, -3)
_DNS = Fault(
    "dns-failed",
    "OSError -202, or -2: no address for a name",
    "The name could not be resolved: there is no such name, no DNS server answered, or Wi-Fi is not up yet.",
    "Check the name of the host for a typing error, then the Wi-Fi and the DNS server that DHCP hands out.",
    LongForm(
        _MEANING,
        (*_NETWORK_STEPS, "Networks of guests often let nothing out until somebody signs in on a page."),
        (),
        _LINKS,
    ),
)


def _errno(name: str, numbers: tuple[int, ...], cause: str, fix: str, steps: tuple[str, ...]) -> Fault:
    here, *elsewhere = numbers
    title = f"OSError {here}, {name}" + "".join(f" ({number} on a computer)" for number in elsewhere)
    return Fault(f"os-{name.lower()}", title, cause, fix, LongForm(_MEANING, steps, (), _LINKS))


_BY_NAME = {row[0]: _errno(*row) for row in _ROWS}
_BY_NUMBER: dict[int, Fault] = {
    number: _BY_NAME[row[0]]
    for place in (1, 0)  # the ESP32's numbers win
    for row in _ROWS
    for number in row[1][place : place + 1]
}
_BY_NUMBER |= dict.fromkeys(_NO_NAME, _DNS)
FAULTS = (_DNS, *_BY_NAME.values())

_NUMBER_AND_NAME = re.compile(
    r"\[Errno (-?\d{1,5})\](?: (E[A-Z]{2,}))?|\bOSError:? \(?(-?\d{1,5})\b(?:, '([A-Z_]+)')?"
)
_ALONE = re.compile(r"\b(" + "|".join(_BY_NAME) + r")\b")


def find(text: str) -> Iterator[Found]:
    """Each error of the system, by name or number."""
    bare = text.strip()
    if re.fullmatch(r"-?\d{1,3}", bare) and int(bare) in _BY_NUMBER and int(bare) < 200:
        yield Found(0, _BY_NUMBER[int(bare)])
    for match in _NUMBER_AND_NAME.finditer(text):
        number, name = int(match[1] or match[3]), match[2] or match[4]
        fault = _BY_NAME.get(name or "") or _BY_NUMBER.get(number) or _BY_NUMBER.get(-number)
        if fault:
            yield Found(match.start(), fault)
    for match in _ALONE.finditer(text):
        yield Found(match.start(), _BY_NAME[match[1]])
