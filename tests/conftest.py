"""`both_*.py` modules run twice: by pytest on CPython, and here on real MicroPython."""

import ast
import json
import signal
import subprocess
from functools import cache
from pathlib import Path

import battery_table
import canary
import flash_table
import hostile_table
import network_cut_table
import pytest
import simulate_table

from mailmote_host.virtual import interpreter

# Where the tests run in the background, a shell has SIGINT ignored, and so would be what the tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)

TESTS = Path(__file__).parent
_HEAP = "heapsize=4M"  # a test has a flash of up to 1 MB in it, in one piece
FIRMWARE = TESTS.parent / "firmware"


@pytest.fixture(scope="session")
def micropython():
    """The command, a list, that starts MicroPython."""
    return interpreter.find()


@cache
def _run_on_micropython(path):
    entries = ":".join(str(folder) for folder in (path.parent, FIRMWARE, TESTS))
    done = subprocess.run(
        [*interpreter.find(), "-X", _HEAP, str(TESTS / "unit" / "run_on_micropython.py"), entries, path.stem],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    results = dict(json.loads(line[1:]) for line in done.stdout.split("\n") if line.startswith("\x1e"))
    return results, done.stdout + done.stderr


class MicroPythonItem(pytest.Item):
    def runtest(self):
        results, output = _run_on_micropython(self.path)
        name = self.name.removesuffix("[micropython]")
        if name not in results:
            raise AssertionError(f"MicroPython ended before {name}:\n{output}")
        if results[name] is not None:
            raise AssertionError(results[name])

    def repr_failure(self, excinfo, style=None):
        return str(excinfo.value)

    def reportinfo(self):
        return self.path, None, self.name


class MicroPythonFile(pytest.File):
    def collect(self):
        tree = ast.parse(self.path.read_text(encoding="utf-8"))
        for node in tree.body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                yield MicroPythonItem.from_parent(self, name=node.name + "[micropython]")


@pytest.hookimpl(trylast=True)
def pytest_collect_file(file_path, parent):
    if file_path.name.startswith("both_") and file_path.suffix == ".py":
        return MicroPythonFile.from_parent(parent, path=file_path, name=f"{file_path.name}[micropython]")
    return None


def pytest_terminal_summary(terminalreporter):
    hostile_table.write(terminalreporter)
    canary.write(terminalreporter)
    battery_table.write(terminalreporter)
    network_cut_table.write(terminalreporter)
    flash_table.write(terminalreporter)
    simulate_table.write(terminalreporter)
