"""The serial link to a board: one adapter over mpremote, which promises no stable interface.

    with link.open(port) as board:
        answer = board.run("print(1 + 1)", timeout_s=10)

Every error of mpremote, of pyserial and of the system becomes a LinkError here, once, in words. Neither the
code that was sent, which may hold a secret, nor what the board or the library said of it is in one, nor in an
exception that hangs on to it.
"""

import contextlib
import errno
import re
import time
from collections.abc import Callable
from typing import Any, TypeVar

import serial
from mpremote.transport_serial import SerialTransport

from ..errors import HostError

_BAUD_RATE = 115200
_REPL_TIMEOUT_S = 10.0
_PRESS_AGAIN_S = 1.0
_HEARD_BYTES = 64
_INTERRUPT = b"\r\x03"
_TO_RAW_REPL = b"\r\x01"
_RAW_REPL = b"raw REPL; CTRL-B to exit\r\n>"
_SOFT_RESET = b"\x04"

_BUSY = (errno.EBUSY, errno.EAGAIN)
_KIND = re.compile(rb"^([A-Za-z_]\w{0,39})(?:$|:)")
_NUMBER = re.compile(rb"^OSError: (?:\[Errno |\()?(-?\d{1,6})\b")

_FIXES = {
    "ImportError": "The firmware of mailmote is missing on it, or damaged: install it.",
    "AttributeError": "Its firmware is of another version than this program: install that of this one.",
    "MemoryError": "Press its reset button, then try again.",
}

_Result = TypeVar("_Result")


class LinkError(HostError):
    """The board cannot be reached, or does not answer. The text says which port, why, and the fix."""


class CodeError(LinkError):
    """Code on the board raised an exception of the class that `kind` names; its text is not kept."""

    def __init__(self, port: str, kind: str, number: int | None = None):
        what = kind if number is None else f"{kind} {number}"
        fix = _FIXES.get(kind, "Try again. If it lasts, install its firmware anew.")
        super().__init__(f"The board on {port} met an error ({what}) in what it was told to do. {fix}")
        self.kind = kind


class Link:
    """A board in its raw REPL, freshly reset, with nothing running. Made by `open`.

    Leaving the context lets the board go: it starts anew, and runs its main.py.
    """

    def __init__(self, port: str, transport: Any):
        self.port = port
        self._transport = transport

    def run(self, code: str, timeout_s: float) -> bytes:
        """What `code` prints. Raises CodeError where it raises, LinkError after `timeout_s` of silence."""

        def execute() -> tuple[bytes, bytes]:
            self._transport.serial.timeout = timeout_s
            return self._transport.exec_raw(code, timeout=timeout_s)

        printed, traceback = _converted(execute, self._unfinished)
        if traceback:
            raise _code_error(self.port, traceback)
        return printed

    def _unfinished(self, error: Exception) -> LinkError:
        if isinstance(error, OSError):
            return _gone(self.port)
        return LinkError(
            f"The board on {self.port} stopped answering. Press its reset button, then try again."
        )

    def close(self) -> None:
        """Stop what runs, leave the raw REPL, start the board anew, and free the port."""
        with contextlib.suppress(Exception):  # the port may have gone: nothing is lost then
            self._transport.serial.write(_INTERRUPT)
            self._transport.exit_raw_repl()
            self._transport.serial.write(_SOFT_RESET)
            self._transport.serial.flush()
        _release(self._transport)

    def __enter__(self):
        return self

    def __exit__(self, *exception: object):
        self.close()


def open(port: str, timeout_s: float = _REPL_TIMEOUT_S) -> Link:
    """Reach the board on a port (a device, or a URL of pyserial), and stop what it does. Raises LinkError.

    `timeout_s` is for each answer.
    """
    transport: Any = _converted(  # it has no types of its own
        lambda: SerialTransport(port, _BAUD_RATE, timeout=timeout_s), lambda error: _unopened(port)
    )
    try:
        heard = _converted(lambda: _stop(transport, timeout_s), lambda error: _gone(port))
        if not heard.endswith(_RAW_REPL):
            raise _unanswered(port, heard)
        _converted(
            lambda: _enter(transport, timeout_s),
            lambda error: _gone(port) if isinstance(error, OSError) else _unanswered(port, heard),
        )
    except BaseException:
        _release(transport)
        raise
    return Link(port, transport)


def _stop(transport: Any, timeout_s: float) -> bytes:
    """Press Ctrl-C and Ctrl-A until the raw REPL answers, and return the end of what was heard.

    Once is not enough: a board that is starting loses what is pressed, and on many boards to open the port is
    to press reset.
    """
    heard = b""
    deadline_s = time.monotonic() + timeout_s
    transport.serial.timeout = pause_s = min(_PRESS_AGAIN_S, timeout_s)
    while not heard.endswith(_RAW_REPL) and time.monotonic() < deadline_s:
        transport.serial.write(_INTERRUPT + _TO_RAW_REPL)
        heard = (heard + transport.read_until(1, _RAW_REPL, timeout_overall=pause_s))[-_HEARD_BYTES:]
    transport.serial.timeout = timeout_s
    return heard


def _enter(transport: Any, timeout_s: float) -> None:
    """The raw REPL of a board that is freshly reset."""
    with contextlib.redirect_stdout(None):  # mpremote prints what it did not expect
        transport.enter_raw_repl(timeout_overall=timeout_s)


def _converted(action: Callable[[], _Result], fault: Callable[[Exception], LinkError]) -> _Result:
    """The result of `action`, or the fault that its error means, with no trace of that error in it."""
    try:
        return action()
    except Exception as error:  # mpremote, pyserial and termios share no class
        converted = fault(error)
    raise converted


def _release(transport: Any) -> None:
    with contextlib.suppress(Exception):
        transport.close()
    transport.serial.close()


def _unopened(port: str) -> LinkError:
    """mpremote does not say why it could not open a port: pyserial is asked."""
    try:
        serial.serial_for_url(port, exclusive=True).close()
    except (OSError, ValueError) as error:
        reason, number = str(error), getattr(error, "errno", None)
    else:
        return LinkError(f"The port {port} could not be opened, and now can be. Try again.")
    if number == errno.ENOENT or "FileNotFoundError" in reason:
        return LinkError(
            f"There is no port {port}. Plug the board in, with a cable that carries data, and check the name."
        )
    if number in _BUSY or "Access is denied" in reason:
        return LinkError(
            f"The port {port} is in use by another program. Close it (a terminal, an editor, a flasher), "
            "then try again."
        )
    if number in (errno.EACCES, errno.EPERM):
        return LinkError(
            f"You may not use the port {port}. On Linux join the group that owns it, mostly dialout or uucp: "
            "`sudo usermod -aG dialout $USER`, then log in again."
        )
    return LinkError(f"{port} is no serial port. Give the name of the board's port.")


def _unanswered(port: str, heard: bytes) -> LinkError:
    if not heard:
        return LinkError(
            f"Nothing answers on {port}. Press the board's reset button, then try again. If it stays silent, "
            "this is the port of something else, or the board is not flashed."
        )
    return LinkError(
        f"What answers on {port} is not MicroPython, or does not stop for Ctrl-C. Press the board's reset "
        "button, then try again. If it lasts, flash MicroPython."
    )


def _gone(port: str) -> LinkError:
    return LinkError(f"The port {port} went away. See that the board is plugged in firmly, then try again.")


def _code_error(port: str, traceback: bytes) -> CodeError:
    """By the class and number alone: the text, of one line or several, may quote anything."""
    lines = [line for line in traceback.splitlines() if not line.startswith((b"Traceback ", b"  File "))]
    first = lines[0] if lines else b""
    kind, number = _KIND.match(first), _NUMBER.match(first)
    return CodeError(port, kind[1].decode() if kind else "an exception", int(number[1]) if number else None)
