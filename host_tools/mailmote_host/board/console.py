"""The console of a board that runs mailmote: questions are answered while it goes on with its work.

    with console.open(port) as board:
        print(board.ask("status")["uptime_s"])

A question is a line, an answer one line of JSON behind a record separator (firmware/mailmote/console.py). Log
lines, noise and the echo of a terminal may come in between: they are handed to whoever wants to hear them.
"""

import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from ..errors import HostError
from . import ports
from .log_lines import Line, Reader, Splitter
from .ports import SerialPort

Answer = dict[str, Any]
Hear = Callable[[Line], None]
Wait = Callable[[], None]

ANSWER_WITHIN_S = 30.0  # DNS and a step of a TLS handshake block a board for up to about 20 s each
_ASK_AGAIN_S = 4.0  # a board that is starting loses what is typed
_ASKED_TIMES = 3  # and one that is blocked keeps it, in a buffer of 256 octets
_READ_S = 0.1
_PROMPT = b">>> "
_TO_PROMPT = b"\x02"  # Ctrl-B, from the raw REPL, which would say nothing; mailmote drops a line that has it
_MAX_TAIL_BYTES = 16
_LOOK = "`mailmote monitor` shows what it says"


class ConsoleError(HostError):
    """The board does not answer as mailmote does. The text says what it does instead, and the fix."""


class Console:
    """Made by `open`. Leaving the context frees the port, and the board runs on.

    All methods raise PortError when the port goes away. `hear` gets each line that is no answer; `wait` is
    called several times a second, and may raise to end it.
    """

    def __init__(self, port: SerialPort, hear: Hear | None = None, wait: Wait = lambda: None):
        self._port = port
        self._hear = hear
        self._wait = wait
        self._splitter, self._reader = Splitter(), Reader()
        self._tail = b""
        self._heard = False

    def ask(self, question: str, timeout_s: float = ANSWER_WITHIN_S, once: bool = False) -> Answer:
        """The answer to `status`, `alert NUMBER` or `test-mail`. `once`: a lost question is not repeated.

        Raises ConsoleError.
        """
        for answer in self._answers(question, timeout_s, once):
            if answer["answer"] == question.split()[0] and _is_about(answer, question):
                return answer
        raise self._unanswered(timeout_s)

    def alerts(self, timeout_s: float = ANSWER_WITHIN_S) -> tuple[list[Answer], Answer]:
        """Each alert that waits or was refused, and the totals. Raises ConsoleError."""
        found: list[Answer] = []
        for answer in self._answers("alerts", timeout_s, once=False):
            if answer["answer"] == "alert":
                found.append(answer)
            elif answer["answer"] == "alerts":
                if len(found) == answer.get("listed"):
                    return found, answer
                found.clear()  # some were lost on the way
        raise self._unanswered(timeout_s)

    def lines(self, for_s: float) -> Iterator[Line]:
        """What the board says in that time, its answers among it."""
        for line in self._heard_within(for_s):
            if line:
                yield line

    def _heard_within(self, for_s: float) -> Iterator[Line | None]:
        """Lines as they come, and None after each that was there."""
        end_s = time.monotonic() + for_s
        while time.monotonic() < end_s:
            self._wait()
            data = self._port.read_available()
            self._heard = self._heard or bool(data)
            self._tail = (self._tail + data)[-_MAX_TAIL_BYTES:]
            for raw in self._splitter.feed(data):
                line = self._reader.read(raw, datetime.now().astimezone())
                if line.answer is None and self._hear and raw:
                    self._hear(line)
                yield line
            yield None

    def close(self) -> None:
        self._port.close()

    def __enter__(self) -> "Console":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _answers(self, question: str, timeout_s: float, once: bool) -> Iterator[Answer]:
        """All answers that come within the time. Raises ConsoleError at a prompt of MicroPython."""
        end_s = time.monotonic() + timeout_s
        typed = b"%s\r%s\r" % (_TO_PROMPT, question.encode("ascii"))
        for turn in range(1 if once else _ASKED_TIMES):
            self._tail = b""
            self._port.write(typed)
            is_last = once or turn == _ASKED_TIMES - 1
            left_s = end_s - time.monotonic()
            for line in self._heard_within(left_s if is_last else min(_ASK_AGAIN_S, left_s)):
                if line is None and self._tail.endswith(_PROMPT):
                    raise self._at_prompt()
                if line and line.answer and isinstance(line.answer.get("answer"), str):
                    yield line.answer

    def _at_prompt(self) -> ConsoleError:
        return ConsoleError(
            f"mailmote does not run on the board on {self._port.name}: MicroPython waits at its prompt. "
            "Press its reset button. If that does not help, `mailmote monitor --reset` shows why, and "
            "`mailmote provision` installs mailmote."
        )

    def _unanswered(self, timeout_s: float) -> ConsoleError:
        if self._heard:
            return ConsoleError(
                f"The board on {self._port.name} speaks, but did not answer within {timeout_s:g} s: it runs "
                f"another program, or a mailmote without a console. {_LOOK}; `mailmote provision --replace` "
                "puts mailmote in its place."
            )
        return ConsoleError(
            f"The board on {self._port.name} said nothing within {timeout_s:g} s. Check that it is the right "
            f"port, then press the reset button of the board: {_LOOK}. `mailmote devices` lists the ports."
        )


def open(port: str, hear: Hear | None = None, wait: Wait = lambda: None) -> Console:
    """The console of the board on a port (a device, or a URL of pyserial). Raises PortError."""
    return Console(ports.open_serial(port, timeout_s=_READ_S), hear, wait)


def _is_about(answer: Answer, question: str) -> bool:
    _, _, number = question.partition(" ")
    return not number or str(answer.get("number")) == number
