"""The MicroPython side of a board on a serial port: does what it is ordered to, one thing after the other.

Started with `-c "import serial_device; serial_device.run(...)"`. Names and modules last until the process
ends, which is a soft reset.
"""

import gc
import io
import os
import sys

import console_modules
import device
import machine_stand_in
import orders

_OWN_FRAME = '  File "serial_device.py"'


class Interpreter:
    """`orders_from` and `reports_to` are files of pipes."""

    def __init__(self, orders_from, reports_to, banner):
        self._orders = orders_from
        self._reports = reports_to
        self._banner = banner
        self._names = {"__name__": "__main__"}

    def serve(self):
        """Until the pipe of the orders is closed, or the code exits."""
        self._report(orders.STARTED, self._banner)
        going_on = True
        while going_on:
            try:
                # The loop is in the `try`, as MicroPython raises KeyboardInterrupt where a loop goes back.
                while going_on:
                    going_on = self._obey()
            except KeyboardInterrupt:
                self._report(orders.INTERRUPTED)

    def _obey(self):
        """The next order; False if there will be none."""
        head = self._orders.read(orders.HEAD_BYTES)
        if not head:
            return False
        kind, number = orders.parse_head(head)
        if kind == orders.PING:
            self._reports.write(orders.head(orders.PONG, number))
        else:
            content = self._orders.read(number)
            self._report(orders.BEGUN)
            self._report(orders.DONE, self._run(kind, content))
        return True

    def close(self):
        """Let go of all names; files among them are closed as a soft reset of a board does it."""
        self._names.clear()
        gc.collect()

    def _run(self, kind, content):
        """The traceback, or nothing. SystemExit ends the process: the supervisor starts another."""
        try:
            if kind == orders.SCRIPT:
                name = content.decode()
                if _exists(name):
                    execfile(name, self._names)  # noqa: F821 - MicroPython has it
            else:
                mode = "single" if kind == orders.LINE else "exec"
                exec(compile(content, "<stdin>", mode), self._names)  # noqa: S102 - a board runs what it is given
        except SystemExit:
            raise
        except BaseException as error:
            return _traceback(error)
        return b""

    def _report(self, kind, content=b""):
        self._reports.write(orders.message(kind, content))

    def fed(self, timeout_ms):
        """The watchdog was started or fed."""
        self._reports.write(orders.head(orders.FED, timeout_ms))


def _traceback(error):
    text = io.StringIO()
    sys.print_exception(error, text)
    lines = [line for line in text.getvalue().split("\n") if not line.startswith(_OWN_FRAME)]
    return "\n".join(lines).encode()


def _exists(name):
    try:
        os.stat(name)
    except OSError:
        return False
    return True


def run(image_path, offset, nvs_path, rtc_path, pipes, chip, version):
    """Be the board with this flash, NVS and RTC. `pipes` are the descriptors of orders and reports."""
    orders_from, reports_to = open(pipes[0], "rb"), open(pipes[1], "wb")  # noqa: SIM115 - as long as it runs
    device.power_on(image_path, nvs_path, rtc_path, offset)
    banner = console_modules.install(chip, version)
    interpreter = Interpreter(orders_from, reports_to, banner)
    machine_stand_in.WDT.observers.append(interpreter.fed)
    interpreter.serve()
    interpreter.close()
