"""Starts MicroPython from a process that has no files of this program open.

A fork copies every open file, with what that file has locked, until the new program runs. A serial port that
another thread closes at that moment stays locked a little longer, and to open it again fails: so a board must
not fork, at its resets, where programs hold its port. This module is also the other process; it is started
before the board is, and needs nothing but the standard library.
"""

import contextlib
import json
import os
import select
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence

# What MicroPython finds its two more pipes under.
ORDERS_FD, REPORTS_FD = 8, 9

_MAX_MESSAGE_BYTES = 65536


class Spawner:
    """One process at a time."""

    def __init__(self) -> None:
        self._socket, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", __file__], stdin=theirs.fileno(), start_new_session=True
            )

    def spawn(self, command: Sequence[str], stdin: int, stdout: int, orders: int, reports: int) -> int:
        """Start `command` with these descriptors; standard error goes to `stdout`. Returns its process id.

        Raises OSError.
        """
        socket.send_fds(self._socket, [json.dumps(command).encode()], [stdin, stdout, orders, reports])
        answer = self._answer(None)
        if "error" in answer:
            raise OSError(answer["error"])
        return answer["pid"]

    def wait(self, timeout_s: float | None) -> int:
        """The exit code of what was spawned last, negative for a signal. Raises TimeoutError."""
        return self._answer(timeout_s)["code"]

    def close(self) -> None:
        """To be called when what was spawned has ended."""
        self._socket.close()
        self._process.wait()

    def _answer(self, timeout_s: float | None) -> dict:
        self._socket.settimeout(timeout_s)
        line = b""
        while not line.endswith(b"\n"):
            octet = self._socket.recv(1)
            if not octet:
                raise OSError("the process that starts MicroPython has ended")
            line += octet
        return json.loads(line)


def _serve() -> None:
    """The other process: until the socket, its standard input, is closed."""
    with socket.socket(fileno=0) as requests:
        while True:
            message, descriptors, _, _ = socket.recv_fds(requests, _MAX_MESSAGE_BYTES, 4)
            if not message:
                return
            stdin, stdout, orders, reports = descriptors
            os.dup2(orders, ORDERS_FD)
            os.dup2(reports, REPORTS_FD)
            try:
                child = subprocess.Popen(
                    json.loads(message),
                    stdin=stdin,
                    stdout=stdout,
                    stderr=stdout,
                    pass_fds=(ORDERS_FD, REPORTS_FD),
                    start_new_session=True,
                    umask=0o077,
                )
            except OSError as error:
                child, answer = None, {"error": str(error)}
            else:
                answer = {"pid": child.pid}
            for descriptor in (*descriptors, ORDERS_FD, REPORTS_FD):
                os.close(descriptor)
            _send(requests, answer)
            if child is not None:
                _send(requests, {"code": _code(child, requests)})


def _code(child: "subprocess.Popen[bytes]", requests: socket.socket) -> int:
    """The exit code, once it has ended; where the program that asked for it is gone, it ends now."""
    ended, tells = os.pipe()
    threading.Thread(target=lambda: (child.wait(), os.close(tells)), daemon=True).start()
    ready, _, _ = select.select([ended, requests], [], [])
    if ended not in ready:
        child.kill()
    code = child.wait()
    os.close(ended)
    return code


def _send(requests: socket.socket, answer: dict) -> None:
    with contextlib.suppress(BrokenPipeError):  # the program that asked is gone
        requests.sendall(json.dumps(answer).encode() + b"\n")


if __name__ == "__main__":
    _serve()
