"""Programs of this folder that work on a littlefs in the memory of real MicroPython, with a large heap."""

import json
import subprocess
from pathlib import Path

_HERE = Path(__file__).parent
_PATH = ":".join(str(folder) for folder in (_HERE, _HERE.parents[1] / "firmware", _HERE.parent))


def found(micropython, program, *words, timeout_s):
    """The lists and dictionaries that a program prints, a line each. Other lines are the firmware's own."""
    done = subprocess.run(
        [*micropython, "-X", "heapsize=64M", str(_HERE / program), _PATH, *map(str, words)],
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith(("[", "{"))]
