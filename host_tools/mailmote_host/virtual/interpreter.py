"""Finds, or gets, a MicroPython unix interpreter that can run the firmware.

In this order: what $MICROPYTHON names; `micropython` on the PATH; mailmote's own copy; a copy fetched from
the packages of the distribution. Each is asked for its version and modules before it is taken.
"""

import os
import platform
import shutil
import subprocess
import sys

from ..errors import HostError
from ..places import private_folder
from . import debian_packages

_OLDEST = (1, 24)
_PROBE_TIMEOUT_S = 20

# One line: name, major, minor, and what is missing. Runs on any Python, as a wrong $MICROPYTHON may be one.
_PROBE = """
import sys
missing = []
for name in ("asyncio", "tls", "vfs"):
    try:
        __import__(name)
    except ImportError:
        missing.append(name)
if "vfs" not in missing and not hasattr(__import__("vfs"), "VfsLfs2"):
    missing.append("vfs.VfsLfs2")
print(sys.implementation[0], sys.implementation[1][0], sys.implementation[1][1], *missing)
"""

_INSTALL_BY_TOOL = (
    ("brew", "brew install micropython"),
    ("dnf", "sudo dnf install micropython"),
    ("pacman", "sudo pacman -S micropython"),
    ("apk", "sudo apk add micropython"),
    ("apt-get", "sudo apt install micropython (from Debian 13 or Ubuntu 25.10 on)"),
)


class InterpreterMissing(HostError):
    """There is no usable MicroPython. The text is one line that ends with what to do."""


def find(progress=lambda text: None):
    """The command, a list, that starts MicroPython >= 1.24 with asyncio, tls and vfs.VfsLfs2.

    `progress` is called with a line of text when something takes longer. Raises InterpreterMissing.
    """
    named = os.environ.get("MICROPYTHON")
    if named:
        command = [shutil.which(named) or named]
        fault = fault_of(command)
        if fault:
            fix = "set it to a MicroPython unix interpreter, or unset it"
            raise InterpreterMissing(f"MICROPYTHON={named} cannot be used: {fault}; {fix}")
        return command
    rejected = []
    for path in (shutil.which("micropython"), _own_copy()):
        if path is not None:
            fault = fault_of([path])
            if fault is None:
                return [path]
            rejected.append(f"{path}: {fault}")
    return [_fetch(rejected, progress)]


def fault_of(command):
    """Why the interpreter that `command` starts cannot be used, in words, or None."""
    try:
        done = subprocess.run(
            [*command, "-c", _PROBE],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_PROBE_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"it did not answer within {_PROBE_TIMEOUT_S} s"
    except OSError as error:
        return f"it cannot be started ({error.strerror})"
    answer = done.stdout.split()
    if done.returncode or len(answer) < 3 or answer[0] != "micropython":
        return "it does not answer as MicroPython does"
    version = int(answer[1]), int(answer[2])
    if version < _OLDEST:
        return "it is version %d.%d, and mailmote needs %d.%d or newer" % (version + _OLDEST)
    if answer[3:]:
        return "it was built without " + ", ".join(answer[3:])
    return None


def _own_copy_folder():
    return private_folder() / "micropython"


def _own_copy():
    program = _own_copy_folder() / "micropython"
    return str(program) if program.is_file() else None


def _fetch(rejected, progress):
    """Get mailmote's own copy, or raise with every reason met on the way."""
    if debian_packages.available():
        try:
            program = str(debian_packages.install(_own_copy_folder(), progress))
        except debian_packages.PackagesError as error:
            rejected.append(str(error))
        else:
            fault = fault_of([program])
            if fault is None:
                progress(f"MicroPython is in {program}")
                return program
            rejected.append(f"{program}: {fault}")
    reasons = f" ({'; '.join(rejected)})" if rejected else ""
    raise InterpreterMissing(
        f"no MicroPython unix interpreter >= 1.24 was found{reasons}; {_how_to_install()}"
    )


def _how_to_install():
    if platform.system() == "Windows":
        return "run mailmote in WSL: MicroPython's unix port does not run on Windows"
    for tool, words in _INSTALL_BY_TOOL:
        if shutil.which(tool):
            return f"install it: {words}; or set MICROPYTHON to the path of one"
    return "build MicroPython's unix port and set MICROPYTHON to its path"


def main():
    try:
        command = find(lambda text: print(text, file=sys.stderr, flush=True))
    except InterpreterMissing as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    print(*command)
    return 0


if __name__ == "__main__":
    sys.exit(main())
