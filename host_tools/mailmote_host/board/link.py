"""The serial link to a board: one adapter over mpremote, which promises no stable interface.

    with link.open(port) as board:
        answer = board.run("print(1 + 1)", timeout_s=10)

Every error of mpremote, of pyserial and of the system becomes a LinkError or a PortError here, once, in
words. Neither the code that was sent, which may hold a secret, nor what the board or the library said of it
is in one, nor in an exception that hangs on to it.

The watchdog that an agent has started cannot be stopped (docs.micropython.org, machine.WDT), and would
reset the board amid the work. On an ESP32 it can be set anew, to a longer time; so the link sets one of its
own, feeds it as it works, and ends with a hard reset, which alone is the end of a watchdog. Where the cable
is pulled, that watchdog is what starts the board again, five minutes later.
"""

import contextlib
import re
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from mpremote import transport_serial
from mpremote.transport import TransportError
from mpremote.transport_serial import SerialTransport

from ..errors import HostError
from . import ports

_BAUD_RATE = 115200
_REPL_TIMEOUT_S = 10.0
_PRESS_AGAIN_S = 0.2  # a board that crashes at each start is to be met between two of them
_QUIET_S = 0.1
_QUIET_WITHIN_S = 1.0
_HEARD_BYTES = 64
_INTERRUPT = b"\r\x03"
_TO_RAW_REPL = b"\r\x01"
_RAW_REPL = b"raw REPL; CTRL-B to exit\r\n>"
_TO_FRIENDLY_REPL = b"\r\x02"
_END_OF_CODE = _SOFT_RESET = b"\x04"

_WATCHDOG_MS = 300000
_FEED_EVERY_S = 60
# The names stay: they have to outlive what is run between. Prints whether the board can reset itself.
_PREPARE = f"""\
import os
os.chdir("/")
try:
 import machine
 _mailmote_dog = machine.WDT(timeout={_WATCHDOG_MS})
except Exception:
 _mailmote_dog = None
try:
 machine.reset
 print("hard")
except Exception:
 print("soft")
"""
_FEED = "_mailmote_dog and _mailmote_dog.feed()"
_RESET = b"import machine\nmachine.reset()\n"

_KIND = re.compile(rb"^([A-Za-z_]\w{0,39})(?:$|:)")
_NUMBER = re.compile(rb"^OSError: (?:\[Errno |\()?(-?\d{1,6})\b")

_FIXES = {
    "ImportError": "The firmware of mailmote is missing on it, or damaged: run `mailmote provision`.",
    "AttributeError": "Its firmware is of another version than this program: run `mailmote update`.",
    "MemoryError": "Press its reset button, then try again.",
}

_Result = TypeVar("_Result")

# mpremote prints what it did not expect, and several boards may be at work in threads.
transport_serial.print = lambda *_: None  # pyright: ignore[reportAttributeAccessIssue]


class LinkError(HostError):
    """The board does not answer. The text says which port, why, and the fix."""


class SilentError(LinkError):
    """Nothing at all answers, or nothing that is MicroPython."""


class CodeError(LinkError):
    """Code on the board raised an exception of the class that `kind` names; its text is not kept.

    `number` is that of an OSError.
    """

    def __init__(self, port: str, kind: str, number: int | None = None):
        what = kind if number is None else f"{kind} {number}"
        fix = _FIXES.get(kind, "Try again. If it lasts, install its firmware anew.")
        super().__init__(f"The board on {port} met an error ({what}) in what it was told to do. {fix}")
        self.kind = kind
        self.number = number


class Link:
    """A board in its raw REPL, freshly reset, with nothing running. Made by `open`.

    Leaving the context lets the board go: it starts anew, and runs its main.py.
    """

    def __init__(self, port: str, transport: Any):
        self.port = port
        self._transport = transport
        self._fed_s = time.monotonic()
        self._resets_hard = False

    def prepare(self, timeout_s: float) -> None:
        """Set the watchdog. Raises LinkError, PortError."""
        self._resets_hard = b"hard" in self.run(_PREPARE, timeout_s)

    def run(self, code: str, timeout_s: float) -> bytes:
        """What `code` prints. Raises CodeError where it raises, LinkError after `timeout_s` of silence.

        Raises PortError where the port goes away.
        """
        if time.monotonic() - self._fed_s > _FEED_EVERY_S:
            self._fed_s = time.monotonic()
            self._execute(_FEED, timeout_s)
        return self._execute(code, timeout_s)

    def _execute(self, code: str, timeout_s: float) -> bytes:
        def execute() -> tuple[bytes, bytes]:
            self._transport.serial.timeout = timeout_s
            return self._transport.exec_raw(code, timeout=timeout_s)

        printed, traceback = _converted(execute, self._unfinished)
        if traceback:
            raise _code_error(self.port, traceback)
        return printed

    def _unfinished(self, error: Exception) -> HostError:
        if isinstance(error, OSError):
            return ports.gone(self.port)
        return LinkError(
            f"The board on {self.port} stopped answering. Press its reset button, then try again."
        )

    def renew(self, timeout_s: float = _REPL_TIMEOUT_S) -> None:
        """Reset the interpreter: it forgets every module and name. Raises LinkError, PortError."""
        _converted(lambda: _enter(self._transport, timeout_s), self._unfinished)
        self.prepare(timeout_s)

    def restart(self) -> None:
        """Start the board anew; the link is of no use for `run` then. Raises PortError."""
        _converted(self._restart, lambda error: ports.gone(self.port))

    def heard(self, for_s: float) -> Iterator[bytes]:
        """After `restart`: what the board says, as it comes, b"" now and then. Raises PortError."""
        end_s = time.monotonic() + for_s
        self._transport.serial.timeout = _QUIET_S
        while time.monotonic() < end_s:
            yield _converted(lambda: _available(self._transport.serial), lambda error: ports.gone(self.port))

    def _restart(self) -> None:
        port = self._transport.serial
        port.write(_INTERRUPT)
        if self._resets_hard:
            port.write(_RESET + _END_OF_CODE)
        else:
            port.write(_TO_FRIENDLY_REPL + _SOFT_RESET)
        port.flush()

    def close(self) -> None:
        """Stop what runs, start the board anew, and free the port."""
        with contextlib.suppress(Exception):  # the port may have gone: nothing is lost then
            self._restart()
        self.release()

    def release(self) -> None:
        """Free the port, and leave the board as it is."""
        _release(self._transport)

    def __enter__(self):
        return self

    def __exit__(self, *exception: object):
        self.close()


def open(port: str, timeout_s: float = _REPL_TIMEOUT_S) -> Link:
    """Reach the board on a port (a device, or a URL of pyserial), and stop what it does.

    `timeout_s` is for each answer. Raises PortError for the port, LinkError for the board.
    """
    transport: Any = _converted(  # it has no types of its own
        lambda: SerialTransport(port, _BAUD_RATE, timeout=timeout_s), lambda error: ports.unopened(port)
    )
    try:
        heard = _converted(lambda: _stop(transport, timeout_s), lambda error: ports.gone(port))
        if not heard.endswith(_RAW_REPL):
            raise _unanswered(port, heard)
        _converted(
            lambda: _enter(transport, timeout_s),
            lambda error: ports.gone(port) if isinstance(error, OSError) else _unanswered(port, heard),
        )
        opened = Link(port, transport)
        _converted(
            lambda: opened.prepare(timeout_s),
            lambda error: error if isinstance(error, ports.PortError) else _unanswered(port, heard),
        )
    except BaseException:
        _release(transport)
        raise
    return opened


def _stop(transport: Any, timeout_s: float) -> bytes:
    """Press Ctrl-C and Ctrl-A until the raw REPL answers, and return the end of what was heard.

    Once is not enough: a board that is starting loses what is pressed, and on many boards to open the port is
    to press reset.
    """
    port = transport.serial
    heard = b""
    deadline_s = time.monotonic() + timeout_s
    port.timeout = min(_PRESS_AGAIN_S, timeout_s) / 4
    while time.monotonic() < deadline_s:
        port.write(_INTERRUPT + _TO_RAW_REPL)
        heard = heard[-_HEARD_BYTES:] + _listen(port, _PRESS_AGAIN_S)
        if _RAW_REPL in heard:
            if _gets_quiet(port):
                heard = _RAW_REPL
                break
            heard = b""  # that was an answer of before
    port.timeout = timeout_s
    return heard[-_HEARD_BYTES:]


def _gets_quiet(port: Any) -> bool:
    """Whether nothing comes any more, after the answers to what was pressed meanwhile."""
    waited_s, port.timeout = port.timeout, _QUIET_S
    end_s = time.monotonic() + _QUIET_WITHIN_S
    while (said := _available(port)) and time.monotonic() < end_s:
        pass
    port.timeout = waited_s
    return not said


def _listen(port: Any, for_s: float) -> bytes:
    """What comes, up to an answer of the raw REPL."""
    heard = b""
    end_s = time.monotonic() + for_s
    while _RAW_REPL not in heard and time.monotonic() < end_s:
        heard += _available(port)
    return heard


def _available(port: Any) -> bytes:
    """What is there, waiting for the first octet until the time is over."""
    data = port.read(1)
    return data + port.read(port.in_waiting) if data else data


def _enter(transport: Any, timeout_s: float) -> None:
    """The raw REPL of a board that is freshly reset; or that was interrupted, if its boot.py does not end."""
    try:
        transport.enter_raw_repl(timeout_overall=timeout_s)
    except TransportError:
        if not _stop(transport, timeout_s).endswith(_RAW_REPL):
            raise
        transport.enter_raw_repl(soft_reset=False, timeout_overall=timeout_s)


def _converted(action: Callable[[], _Result], fault: Callable[[Exception], HostError]) -> _Result:
    """The result of `action`, or the fault that its error means, with no trace of that error in it."""
    try:
        return action()
    except Exception as error:  # mpremote, pyserial and termios share no class
        caught = error
    converted = fault(caught)  # here, as what is raised in there would hang on to the error, too
    del caught
    raise converted


def _release(transport: Any) -> None:
    with contextlib.suppress(Exception):
        transport.close()
    with contextlib.suppress(Exception):
        transport.serial.close()


def _unanswered(port: str, heard: bytes) -> SilentError:
    if not heard:
        return SilentError(
            f"Nothing answers on {port}. Press the board's reset button, then try again. If it stays silent, "
            "there is no MicroPython on it (`mailmote flash`), or this is the port of something else."
        )
    return SilentError(
        f"What answers on {port} is not MicroPython, or does not stop for Ctrl-C. Press the board's reset "
        "button, then try again. If it lasts, put MicroPython on it: `mailmote flash`."
    )


def _code_error(port: str, traceback: bytes) -> CodeError:
    """By the class and number alone: the text, of one line or several, may quote anything."""
    lines = [line for line in traceback.splitlines() if not line.startswith((b"Traceback ", b"  File "))]
    first = lines[0] if lines else b""
    kind, number = _KIND.match(first), _NUMBER.match(first)
    return CodeError(port, kind[1].decode() if kind else "an exception", int(number[1]) if number else None)
