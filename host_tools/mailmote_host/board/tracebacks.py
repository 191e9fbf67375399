"""The source line behind a place in a traceback of the board, from the firmware that this package carries.

A place is shown only where this source has such a function at that line, as the board may run another
version, and only in the package `mailmote`, as its main.py may be anybody's.
"""

import ast
import re
from functools import lru_cache
from pathlib import Path

import mailmote

_PLACE = re.compile(r'^ *File "/?(?:lib/)?mailmote/((?:\w+/)*\w+\.py)", line (\d+), in (.+)$')
_PACKAGE = Path(mailmote.__file__).resolve().parent
_UNNAMED = ("<lambda>", "<listcomp>", "<dictcomp>", "<setcomp>", "<genexpr>")
_Function = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def source_of(text: str) -> str | None:
    """The source of the place that a line of a traceback names, or None."""
    found = _PLACE.match(text)
    if not found:
        return None
    lines, functions = _parsed(found[1])
    number, name = int(found[2]), found[3]
    if not 0 < number <= len(lines) or (name not in _UNNAMED and functions[number - 1] != name):
        return None
    return lines[number - 1].strip() or None


@lru_cache
def _parsed(name: str) -> tuple[list[str], list[str]]:
    """The lines of a module, and the name of the function that each is in."""
    try:
        source = (_PACKAGE / name).read_text(encoding="utf-8")
    except OSError:
        return [], []
    lines = source.splitlines()
    functions = ["<module>"] * len(lines)
    for node in ast.walk(ast.parse(source)):  # breadth first: what is inside comes later
        if isinstance(node, _Function) and node.end_lineno:
            for number in range(node.body[0].lineno, node.end_lineno + 1):
                functions[number - 1] = node.name
    return lines, functions
