"""Plays the REPL of a board on a serial port, over MicroPython in a process of its own.

Each reset is a new process of it. Ctrl-C is pressed when the board next waits, or after a second.
"""

import time
from collections.abc import Callable

from . import machine_stand_in, orders
from .board import BoardError
from .repl import CTRL_C, INTERRUPTED, MAIN, RESTART, Console, Order, Outcome
from .reset_lines import Reset
from .serial_process import Report, SerialProcess
from .wires import Wires

_INTERRUPT_CHECK_S = 0.002


class Supervisor:
    """Moves octets between port, REPL and MicroPython, from power-on to the next reset from outside."""

    def __init__(self, wires: Wires, new_process: Callable[[], SerialProcess], say: Callable[[bytes], None]):
        self._wires = wires
        self._new_process = new_process
        self._say = say
        self._console = Console(say)
        self._steps = self._console.run()
        self._order = next(self._steps)  # the REPL waits for what comes of it, or, with None, for octets
        self._begun = False
        self._missed = False  # Ctrl-C was pressed, and main.py reset the board first: it is for the next one
        self._process = new_process()

    def run(self, booted: Callable[[], None]) -> Reset:
        """Returns the reset that ends it. Raises BoardError, OSError where MicroPython fails."""
        while True:
            self._wait()
            if self._watchdog_s() == 0:
                return Reset.WATCHDOG
            taken = self._wires.take()
            if isinstance(taken, Reset):
                return taken
            self._typed(taken)
            reports = self._process.reports()
            self._listen()  # what was printed comes before its report
            for report in reports:
                if report.kind == orders.STARTED:
                    booted()
                self._reported(report)
                if report.kind != orders.BEGUN:
                    break  # a Ctrl-C that came too late for this order is not one of the next
            if self._process.ended:
                self._ended()

    def power_off(self) -> None:
        """End MicroPython, wherever it is."""
        self._process.end(kill=True)
        self._process.close()

    def _wait(self) -> None:
        """Until something is to be done."""
        process = self._process
        timeout_s = self._watchdog_s()
        if self._begun and process.interrupt_is_wanted:
            process.interrupt_if_wanted()
            timeout_s = _INTERRUPT_CHECK_S
        writers = [] if process.input_fd is None else [process.input_fd]
        if self._wires.wait([process.output_fd, process.reports_fd], writers, timeout_s):
            process.type()

    def _watchdog_s(self) -> float | None:
        """How long until it bites, if it was started. It outlives a soft reset."""
        bites_s = self._process.watchdog_bites_s
        return None if bites_s is None else max(0.0, bites_s - time.monotonic())

    def _typed(self, data: bytes) -> None:
        """To the REPL, or to the code that runs. Ctrl-C interrupts that, or what a start is about to run."""
        if self._order is not None and CTRL_C in data:
            self._listen()  # the code may just have said what Ctrl-C is to it
            if self._process.takes_interrupts:
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
        # Deep sleep is over at once; a negative code is a crash.
        hard = code in (machine_stand_in.EXIT_HARD_RESET, machine_stand_in.EXIT_DEEP_SLEEP) or code < 0
        self._missed = self._order == MAIN and hard and self._process.interrupt_is_wanted
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
            bites_s = self._process.watchdog_bites_s
            self._process = self._new_process()
            self._process.watchdog_bites_s = bites_s
        elif order == MAIN and self._missed:
            self._missed = False
            self._process.forget_interrupt()
            self._console.typed(self._process.take_back())
            self._obey(self._steps.send(Outcome(INTERRUPTED)))
            return
        else:
            self._process.order(order.kind, order.content)
        if order is not None:
            self._typed(self._console.take_back())

    def _listen(self) -> None:
        printed = self._process.output()
        if printed:
            self._say(printed)
