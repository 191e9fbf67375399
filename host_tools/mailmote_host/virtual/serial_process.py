"""The process of MicroPython that is a board on a serial port, as its supervisor holds it.

Four pipes: what code reads and what it prints, and the messages of `orders`. The supervisor selects on
`output_fd` and `reports_fd`; only `settle` and `end` wait.
"""

import contextlib
import os
import select
import signal
import time
from collections.abc import Sequence
from typing import NamedTuple

from . import orders
from .console_output import ConsoleOutput
from .sleeping import sleeps
from .spawner import Spawner

_CHUNK_BYTES = 65536
_TIMEOUT_S = 5  # for what MicroPython does at once, unless it hangs
_BUSY_S = 1  # a program that never waits for anything is interrupted wherever it is


class Report(NamedTuple):
    kind: bytes
    number: int
    content: bytes


class SerialProcess:
    """`command` starts MicroPython, which finds orders and reports under the descriptors of `spawner`."""

    def __init__(self, spawner: Spawner, command: Sequence[str]):
        self._spawner = spawner
        orders_read, self._orders = os.pipe()
        self.reports_fd, reports_write = os.pipe()
        # Both ends of the input are kept: what the code leaves unread is taken back.
        self._input_read, self._input = os.pipe()
        self.output_fd, output_write = os.pipe()
        try:
            self._pid = spawner.spawn(command, self._input_read, output_write, orders_read, reports_write)
        finally:
            for descriptor in (orders_read, reports_write, output_write):
                os.close(descriptor)
        for descriptor in (self.reports_fd, self._input, self.output_fd):
            os.set_blocking(descriptor, False)
        self._console_output = ConsoleOutput()
        self._unparsed = b""
        self._unsent = b""
        self._pings = 0
        self._interrupt_wanted_s: float | None = None
        self._signalled = False
        self._code: int | None = None
        self.ended = False
        self.watchdog_bites_s: float | None = None  # as time.monotonic tells it

    @property
    def input_fd(self) -> int | None:
        """Where more can be written some time, if something waits for that."""
        return self._input if self._unsent and not self.interrupt_is_wanted else None

    @property
    def interrupt_is_wanted(self) -> bool:
        return self._interrupt_wanted_s is not None

    @property
    def takes_interrupts(self) -> bool:
        """Whether Ctrl-C is a key, or data for the code, as far as that has said so."""
        return self._console_output.keys

    def order(self, kind: bytes, content: bytes) -> None:
        self._console_output.keys = True
        self._write(orders.message(kind, content))

    def type(self, data: bytes = b"") -> None:
        """Let the code that runs read `data`, after what still waits."""
        self._unsent += data
        if self.interrupt_is_wanted:
            return  # a board's Ctrl-C strikes as it comes: what is typed after it is for the REPL
        with contextlib.suppress(BlockingIOError):  # the code reads nothing, and much was typed
            self._unsent = self._unsent[os.write(self._input, self._unsent) :]

    def take_back(self) -> bytes:
        """What was typed and not read, once the code has ended."""
        unread = b""
        while select.select([self._input_read], [], [], 0)[0]:
            unread += os.read(self._input_read, _CHUNK_BYTES)
        unread, self._unsent = unread + self._unsent, b""
        return unread

    def output(self) -> bytes:
        """What was printed since the last call, as it leaves on the serial line."""
        printed = b""
        while chunk := _read(self.output_fd):
            printed += chunk
        return self._console_output.cooked(printed)

    def reports(self) -> list[Report]:
        """The reports that have come; `ended` is set when there will be no more."""
        while True:
            chunk = _read(self.reports_fd)
            if chunk is None:
                break
            if not chunk:
                self.ended = True
                break
            self._unparsed += chunk
        found = []
        while len(self._unparsed) >= orders.HEAD_BYTES:
            kind, number = orders.parse_head(self._unparsed[: orders.HEAD_BYTES])
            end = orders.HEAD_BYTES + (0 if kind in orders.NUMBERS else number)
            if len(self._unparsed) < end:
                break
            if kind == orders.FED:
                self.watchdog_bites_s = time.monotonic() + number / 1000
            else:
                found.append(Report(kind, number, self._unparsed[orders.HEAD_BYTES : end]))
            self._unparsed = self._unparsed[end:]
        return found

    def want_interrupt(self) -> None:
        """Press Ctrl-C: the signal is sent by `interrupt_if_wanted` when the process next waits."""
        if self._interrupt_wanted_s is None:
            self._interrupt_wanted_s = time.monotonic()

    def forget_interrupt(self) -> None:
        self._interrupt_wanted_s = None

    def interrupt_if_wanted(self) -> None:
        """To be called from time to time while an order that has begun is not done."""
        since_s = self._interrupt_wanted_s
        if since_s is None:
            return
        if sleeps(self._pid) or time.monotonic() > since_s + _BUSY_S:
            self._interrupt_wanted_s = None
            self._signalled = True
            self._kill(signal.SIGINT)

    def settle(self) -> None:
        """After an order: wait until MicroPython has met the signals that were sent, for one may be late.

        An order could be lost to it. Twice: it may strike after the first answer. Raises TimeoutError.
        """
        answers = 0 if self._signalled else 2
        deadline_s = time.monotonic() + _TIMEOUT_S
        while answers < 2 and not self.ended:
            self._pings += 1
            self._write(orders.head(orders.PING, self._pings))
            answers = answers + 1 if self._answers(deadline_s) else 0
        self._signalled = False

    def _answers(self, deadline_s: float) -> bool:
        """Whether the last PING is answered, rather than interrupted."""
        while not self.ended:
            remaining_s = deadline_s - time.monotonic()
            if remaining_s < 0:
                raise TimeoutError("MicroPython does not answer")
            select.select([self.reports_fd], [], [], remaining_s)
            for report in self.reports():
                if report.kind == orders.INTERRUPTED:
                    return False
                if report.kind == orders.PONG and report.number == self._pings:
                    return True
        return False

    def end(self, kill: bool = False) -> int:
        """End the process, if it runs, and return its exit code. Without `kill` it closes its files."""
        if self._code is None:
            if kill:
                self._kill(signal.SIGKILL)
            os.close(self._orders)
            try:
                self._code = self._spawner.wait(_TIMEOUT_S)
            except TimeoutError:
                self._kill(signal.SIGKILL)
                self._code = self._spawner.wait(None)
        return self._code

    def close(self) -> None:
        """After `end`, and the last output."""
        for descriptor in (self.reports_fd, self._input_read, self._input, self.output_fd):
            os.close(descriptor)

    def _kill(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):  # it has ended, and its reports will say so
            os.kill(self._pid, number)

    def _write(self, data: bytes) -> None:
        while data:
            try:
                data = data[os.write(self._orders, data) :]
            except BrokenPipeError:
                return  # it has ended, and its reports will say so


def _read(descriptor: int) -> bytes | None:
    """Octets, none at the end, or None when there are none yet."""
    try:
        return os.read(descriptor, _CHUNK_BYTES)
    except BlockingIOError:
        return None
