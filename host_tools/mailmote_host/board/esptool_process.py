"""esptool as a program of its own: it is under the GPL, so it is run and never imported.

With -P, for `-m` alone would take an esptool.py in the folder where mailmote was started.

What it prints tells its progress, and what went wrong (`esptool_trouble`). However this ends, with Ctrl-C
too, no esptool is left behind.
"""

import contextlib
import os
import queue
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from typing import NamedTuple

from . import esptool_trouble

_MOST_SILENCE_S = 300  # a chip takes two minutes to erase a large flash, and says nothing meanwhile
_END_WITHIN_S = 5
_MAX_OUTPUT_CHARS = 1 << 20
# As `Writing at 0x00013efa ━╸   5.4% 16.00kB/293.72kB [0s]`.
_WRITING = re.compile(r"^Writing at 0x[0-9a-f]+.*?(\d+(?:\.\d+)?) ?%")
_STEPS = (
    ("Connecting", "connecting"),
    ("Uploading stub", "starting the loader"),
    ("Erasing flash", "erasing, for up to two minutes"),
    ("Verifying written", "verifying"),
)
_WRITING_STEP = "writing MicroPython"

Tell = Callable[[str, float], None]


class Way(NamedTuple):
    """How to talk to the chip. `before` and `after` are esptool's words for the resets."""

    baud_rate: int = 115200
    stub: bool = True
    before: str = "default-reset"
    after: str = "hard-reset"
    connect_attempts: int = 7


def run(port: str, way: Way, command: Sequence[str], tell: Tell) -> str:
    """What esptool printed. Raises EsptoolError or PortError, in words."""
    process = subprocess.Popen(
        _command_line(port, way, command),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=_environment(),
    )
    try:
        output = _followed(process, tell)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_END_WITHIN_S)
    finally:
        _end(process)
    if process.returncode:
        raise esptool_trouble.converted(port, output)
    return output


def _command_line(port: str, way: Way, command: Sequence[str]) -> list[str]:
    options = ["--port", port, "--baud", str(way.baud_rate), "--before", way.before, "--after", way.after]
    options += ["--connect-attempts", str(way.connect_attempts)]
    return [sys.executable, "-P", "-m", "esptool", *options, *([] if way.stub else ["--no-stub"]), *command]


def _environment() -> dict[str, str]:
    """Without what esptool itself would take from the environment, and with its bars in UTF-8."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ESPTOOL_")}
    return {**kept, "PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8:replace", "NO_COLOR": "1"}


def _followed(process: "subprocess.Popen[bytes]", tell: Tell) -> str:
    """All that it prints, until it closes its output."""
    chunks: queue.Queue[bytes] = queue.Queue()
    threading.Thread(target=_read, args=(process, chunks), daemon=True).start()
    output, line = "", ""
    while True:
        try:
            chunk = chunks.get(timeout=_MOST_SILENCE_S)
        except queue.Empty:
            return output + line + esptool_trouble.TOO_SILENT
        if not chunk:
            return output + line
        *lines, line = re.split(r"[\r\n]+", line + chunk.decode("utf-8", "replace"))
        for whole in lines:
            _tell(whole, tell)
        _tell(line, tell)
        output = (output + "\n".join([*lines, ""]))[-_MAX_OUTPUT_CHARS:] if lines else output


def _read(process: "subprocess.Popen[bytes]", chunks: "queue.Queue[bytes]") -> None:
    assert process.stdout is not None
    descriptor = process.stdout.fileno()
    while True:
        try:
            chunk = os.read(descriptor, 4096)
        except OSError:
            chunk = b""
        chunks.put(chunk)
        if not chunk:
            return


def _tell(line: str, tell: Tell) -> None:
    writing = _WRITING.match(line)
    if writing:
        tell(_WRITING_STEP, float(writing[1]) / 100)
        return
    for begins, step in _STEPS:
        if line.startswith(begins):
            tell(step, 1.0 if step == "verifying" else 0.0)


def _end(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(_END_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    if process.stdout is not None:
        process.stdout.close()
