"""The console of a board as a state machine: what MicroPython's REPLs answer to each octet that is typed.

Nothing here waits. `Console.run()` is a generator. It yields an Order when MicroPython is to do something,
and is then sent the Outcome; it yields None when it needs octets, which `typed` takes. What the board says
goes to `send`.

After a start boot.py runs, then main.py unless the raw REPL was on, then a REPL. In the friendly one Ctrl-A
on an empty line begins the raw REPL, and Ctrl-D is a soft reset. In the raw one Ctrl-D ends the code, and
without any is a soft reset. Ctrl-E, A, Ctrl-A begins raw-paste mode, in which the sender waits until the
window opens again. Source: "The MicroPython Interactive Interpreter Mode", docs.micropython.org, and
MicroPython's shared/runtime/pyexec.c, which has the texts.

The friendly REPL takes one line at a time, without continuation lines. As a board does, it remembers the last
lines for whoever presses the up arrow.
"""

from collections import deque
from collections.abc import Callable, Generator
from typing import NamedTuple

from . import orders

CTRL_A, CTRL_B, CTRL_C, CTRL_D, CTRL_E = 1, 2, 3, 4, 5
RETURN, ESCAPE = 13, 27

_BACKSPACES = (8, 127)
_PROMPT = b">>> "
_RAW_BANNER = b"raw REPL; CTRL-B to exit\r\n"
_EOF = b"\x04"
_SOFT_RESET = b"MPY: soft reboot\r\n"
INTERRUPTED = b"Traceback (most recent call last):\nKeyboardInterrupt: \n"
_PASTE_WINDOW = 128
_REMEMBERED_LINES = 8


class Order(NamedTuple):
    """What MicroPython is to do."""

    kind: bytes
    content: bytes = b""


class Outcome(NamedTuple):
    """What came of an order: the text of its report, or the end of the process."""

    text: bytes = b""
    ended: bool = False
    hard: bool = False


RESTART = Order(b"")
BOOT, MAIN = Order(orders.SCRIPT, b"boot.py"), Order(orders.SCRIPT, b"main.py")

# A part of the console: the outcome that ended the process, or None when the mode changes.
_Part = Generator[Order | None, Outcome, Outcome | None]


def cooked(text: bytes) -> bytes:
    """Text as a board prints it: lines end in CR LF."""
    return text.replace(b"\n", b"\r\n")


class Console:
    """`send` is called with what the board says."""

    def __init__(self, send: Callable[[bytes], None]):
        self._send = send
        self._input: deque[int] = deque()
        self._history: deque[bytes] = deque(maxlen=_REMEMBERED_LINES)
        self._raw = False
        self._banner = b""

    def typed(self, data: bytes) -> None:
        """Take octets from the serial line, for when they are needed."""
        self._input.extend(data)

    def take_back(self) -> bytes:
        """What was typed and is not used yet: where an order comes amid it, the rest is for the code."""
        unused = bytes(self._input)
        self._input.clear()
        return unused

    def run(self) -> Generator[Order | None, Outcome, None]:
        """One start of MicroPython after the other, from power-on."""
        while True:
            started = yield RESTART
            self._banner = cooked(started.text)
            ended = yield from self._scripts()
            if ended is None:
                ended = yield from self._repls()
            if ended.hard:
                self._raw = False
            else:
                self._send(_SOFT_RESET)

    def _scripts(self) -> _Part:
        for script in (BOOT,) if self._raw else (BOOT, MAIN):
            outcome = yield script
            if outcome.ended:
                return outcome
            self._send(cooked(outcome.text))
        return None

    def _repls(self) -> Generator[Order | None, Outcome, Outcome]:
        self._history.clear()
        while True:
            ended = yield from (self._raw_repl() if self._raw else self._friendly_repl())
            if ended is not None:
                return ended
            self._raw = not self._raw

    def _raw_repl(self) -> _Part:
        code = bytearray()
        self._send(_RAW_BANNER + b">")
        while True:
            octet = yield from self._octet()
            if octet == CTRL_A and len(code) == 2 and code[0] == CTRL_E:
                ended = yield from self._raw_paste(code[1])
            elif octet == CTRL_A:
                ended = None
                self._send(_RAW_BANNER + b">")
            elif octet == CTRL_B:
                self._send(b"\r\n")
                return None
            elif octet == CTRL_D and not code:
                self._send(b"OK\r\n")
                return Outcome(ended=True)
            elif octet == CTRL_D:
                self._send(b"OK")
                ended = yield from self._execute_raw(bytes(code))
            elif octet == CTRL_C:
                ended = None
            else:
                code.append(octet)
                continue
            if ended is not None:
                return ended
            code.clear()

    def _raw_paste(self, kind: int) -> _Part:
        if kind != ord("A"):
            self._send(b"R\x00>")
            return None
        self._send(b"R\x01" + _PASTE_WINDOW.to_bytes(2, "little") + b"\x01")
        code = bytearray()
        while True:
            octet = yield from self._octet()
            if octet in (CTRL_C, CTRL_D):
                break
            code.append(octet)
            if len(code) % _PASTE_WINDOW == 0:
                self._send(b"\x01")
        self._send(_EOF)
        if octet == CTRL_C:
            self._send(_EOF + cooked(INTERRUPTED) + _EOF + b">")
            return None
        return (yield from self._execute_raw(bytes(code)))

    def _execute_raw(self, code: bytes) -> _Part:
        outcome = yield Order(orders.RUN, code)
        self._send(_EOF + cooked(outcome.text) + _EOF)
        if outcome.ended:
            return outcome
        self._send(b">")
        return None

    def _friendly_repl(self) -> _Part:
        self._send(self._banner)
        while True:
            self._send(_PROMPT)
            line = yield from self._line()
            if line == CTRL_A:
                return None
            if line == CTRL_B:
                self._send(b"\r\n" + self._banner)
            elif line == CTRL_D:
                self._send(b"\r\n")
                return Outcome(ended=True)
            elif isinstance(line, bytes) and line.strip():
                if not self._history or self._history[0] != line:
                    self._history.appendleft(line)
                outcome = yield Order(orders.LINE, line)
                if outcome.ended:
                    return outcome
                self._send(cooked(outcome.text))

    def _line(self) -> Generator[Order | None, Outcome, bytes | int]:
        """A line that was typed, echoed; or the control character that was typed in place of one."""
        line = b""
        back = 0  # in the history
        while True:
            octet = yield from self._octet()
            if octet in (CTRL_A, CTRL_B, CTRL_D) and not line:
                return octet
            if octet in (CTRL_C, RETURN):
                self._send(b"\r\n")
                return line if octet == RETURN else b""
            if octet in _BACKSPACES and line:
                line = line[:-1]
                self._send(b"\x08\x1b[K")
            elif octet == ESCAPE:
                back, line = yield from self._arrow(back, line)
            elif octet >= 32 and octet not in _BACKSPACES:
                line += bytes((octet,))
                self._send(bytes((octet,)))

    def _arrow(self, back: int, line: bytes) -> Generator[Order | None, Outcome, tuple[int, bytes]]:
        """Up or down shows another line of the history; other keys that begin with ESC do nothing."""
        yield from self._octet()
        key = yield from self._octet()
        wanted = back + {ord("A"): 1, ord("B"): -1}.get(key, 0)
        if wanted == back or not 0 <= wanted <= len(self._history):
            return back, line
        other = self._history[wanted - 1] if wanted else b""
        if line:
            self._send(b"\x1b[%dD\x1b[K" % len(line))
        self._send(other)
        return wanted, other

    def _octet(self) -> Generator[Order | None, Outcome, int]:
        while not self._input:
            yield None
        return self._input.popleft()
