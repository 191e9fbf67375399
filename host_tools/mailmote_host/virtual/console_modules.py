"""What code on a board with a serial port finds as `sys` and `micropython`. Runs under MicroPython alone.

`sys` tells the chip and the version that were flashed; what runs is the MicroPython of this computer.

On a board print() ends lines with CR LF and sys.stdout.buffer leaves octets alone, and micropython.kbd_intr
says which octet of the port is Ctrl-C. Here the supervisor does both, and is told with the marks of `orders`.
"""

import collections
import io
import sys

import micropython  # pyright: ignore[reportMissingImports]
import orders

_FIELDS = ("name", "version", "_machine", "_mpy", "_build")
_Implementation = collections.namedtuple("implementation", _FIELDS)  # pyright: ignore - MicroPython's names


class _RawOutput(io.IOBase):
    """sys.stdout.buffer"""

    def write(self, data, *bounds):
        if len(bounds) == 1:
            data = memoryview(data)[: bounds[0]]
        elif bounds:
            data = memoryview(data)[bounds[0] : bounds[0] + bounds[1]]
        data = bytes(data)
        marked = data.replace(orders.MARK, orders.RAW_MARK).replace(b"\n", orders.RAW_NEWLINE)
        sys.stdout.buffer.write(marked)
        return len(data)


class _Output(io.IOBase):
    """sys.stdout"""

    def __init__(self):
        self.buffer = _RawOutput()

    def __getattr__(self, name):
        return getattr(sys.stdout, name)

    def write(self, text):
        """Octets are taken too, and may hold the mark."""
        if isinstance(text, str):
            return sys.stdout.write(text)
        sys.stdout.buffer.write(bytes(text).replace(orders.MARK, orders.RAW_MARK))
        return len(text)


class _Sys:
    platform = "esp32"

    def __init__(self, chip, version):
        self.stdout = _Output()
        parts = (version[1:].split("-")[0].split(".") + ["0"])[:3]
        name = chip.upper()
        self.implementation = _Implementation(
            "micropython",
            (int(parts[0]), int(parts[1]), int(parts[2]), ""),
            "Generic %s module with %s" % (name, name),
            sys.implementation._mpy,
            "ESP32_GENERIC" + ("_" + name[5:] if name[5:] else ""),
        )
        begins = sys.version.index("MicroPython ")
        self.version = "%sMicroPython %s%s" % (
            sys.version[:begins],
            version,
            sys.version[sys.version.index(" on ", begins) :],
        )

    def __getattr__(self, name):
        return getattr(sys, name)


class _MicroPython:
    def __getattr__(self, name):
        return getattr(micropython, name)

    def kbd_intr(self, character):
        sys.stdout.buffer.write(orders.KEYS_OFF if character < 0 else orders.KEYS_ON)


def install(chip, version):
    """`chip` is such as esp32c3, `version` such as v1.25.0. Returns the banner of the REPL."""
    system = _Sys(chip, version)
    for name, module in (("micropython", _MicroPython()), ("sys", system)):
        sys.modules[name] = module  # pyright: ignore[reportArgumentType] - any object will do
    return b'%s; %s\nType "help()" for more information.\n' % (
        system.version[system.version.index("MicroPython") :].encode(),
        system.implementation._machine.encode(),
    )
