"""Who may import whom, and what the firmware may hold."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "firmware" / "mailmote"
HOST = ROOT / "host_tools" / "mailmote_host"

BASE = {"errors", "explanations", "redaction", "log", "compat", "civil", "event", "addresses", "__init__"}
PURE = {"smtp", "mail", "policy"}
MAY_IMPORT = {
    **dict.fromkeys(BASE, BASE),
    "smtp": BASE,
    "mail": BASE,
    "policy": BASE,
    "store": BASE | PURE,
    "net": BASE | PURE,
    "sensors": BASE | PURE,
    "health": BASE,
    "supervisor": BASE,
    "crashes": BASE | {"store", "crash_text"},
    "crash_text": BASE,
    "safe_mode": BASE | {"net"},
    "watcher": BASE | PURE | {"net", "sensors", "health"},
    "wifi": BASE | {"net", "store"},
    "errand": BASE | {"net", "courier", "routes"},
    "wake": BASE
    | PURE
    | {
        "store",
        "net",
        "health",
        "supervisor",
        "watcher",
        "wifi",
        "recipients",
        "alive",
        "console",
        "crashes",
        "errand",
    },
    "battery": BASE | PURE | {"store", "sensors", "wake"},
    "recipients": BASE,
    "standing": BASE | PURE | {"store", "recipients"},
    "letters": BASE | {"mail", "recipients"},
    "dispatch": BASE | {"net", "letters"},
    "sign_in": BASE | PURE | {"store", "net", "tokens"},
    "tokens": BASE | PURE | {"store", "net"},
    "console": BASE,
    "led": BASE,
    "answers": BASE | {"net", "recipients", "crashes"},
    "alive": BASE | {"net", "store"},
    "allowance": BASE | PURE | {"net", "store"},
    "mailbag": BASE | {"net", "store", "recipients"},
    "refusals": BASE,
    "verdict": BASE,
    "floor": BASE | {"net", "store"},
    "routes": BASE | PURE | {"sign_in"},
    "courier": BASE
    | PURE
    | {
        "store",
        "net",
        "health",
        "dispatch",
        "sign_in",
        "allowance",
        "mailbag",
        "refusals",
        "routes",
        "verdict",
        "floor",
    },
    "agent": BASE
    | PURE
    | {
        "store",
        "net",
        "sensors",
        "health",
        "supervisor",
        "watcher",
        "recipients",
        "sign_in",
        "alive",
        "routes",
        "courier",
        "console",
        "led",
        "crashes",
        "safe_mode",
        "wifi",
    },
    "start": BASE | {"crashes", "supervisor", "battery", "agent"},
}
# What a pure part cannot use: it waits for nothing and knows no clock, file, socket or pin.
IMPURE = {"asyncio", "socket", "time", "os", "machine", "network", "esp32", "ntptime", "tls", "ssl", "select"}
PURE_FILES = sorted(path for room in PURE for path in (PACKAGE / room).glob("*.py"))
FIRMWARE_FILES = sorted(PACKAGE.rglob("*.py"))


def room(path):
    """The top-level part of the firmware that a file belongs to."""
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def imported(path):
    """(is it mailmote's own, name) of each import, the names absolute."""
    inside = path.relative_to(PACKAGE.parent).with_suffix("").parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name
        elif isinstance(node, ast.ImportFrom):
            prefix = list(inside[: len(inside) - node.level]) if node.level else []
            module = prefix + (node.module.split(".") if node.module else [])
            if module == ["mailmote"]:
                for alias in node.names:
                    yield f"mailmote.{alias.name}"
            else:
                yield ".".join(module)


@pytest.mark.parametrize("path", FIRMWARE_FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_part_imports_only_what_it_may(path):
    allowed = MAY_IMPORT[room(path)] | {room(path)}
    for name in imported(path):
        if name.startswith("mailmote."):
            part = name.split(".")[1]
            assert part in allowed or part.startswith("__"), f"{room(path)} may not import {name}"
        assert not name.startswith("mailmote_host"), "the firmware never imports a host tool"


@pytest.mark.parametrize("path", PURE_FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_pure_part_waits_for_nothing(path):
    text = path.read_text(encoding="utf-8")
    assert not {name.split(".")[0] for name in imported(path)} & IMPURE
    assert not any(isinstance(node, (ast.AsyncFunctionDef, ast.Await)) for node in ast.walk(ast.parse(text)))
    assert not re.search(r"^[^#\"']*\bopen\(", text, re.MULTILINE), "a pure part opens no file"


@pytest.mark.parametrize("path", FIRMWARE_FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_only_compat_asks_which_runtime_it_is_on(path):
    if path.name != "compat.py":
        text = path.read_text(encoding="utf-8")
        assert "sys.implementation" not in text
        assert "sys.platform" not in text
        assert "MICROPYTHON" not in text


@pytest.mark.parametrize("path", FIRMWARE_FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_the_firmware_never_asserts(path):
    """`assert` is compiled away on a board; what a peer sent would then pass unchecked."""
    assert not any(
        isinstance(node, ast.Assert) for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    )


def test_host_tools_import_only_the_pure_parts():
    allowed = BASE | PURE | {"sensors", "letters", "recipients"}  # one renderer of mails
    names_of_things = {"mailmote.net.clock", "mailmote.store.secrets", "mailmote.store.state"}
    for path in HOST.rglob("*.py"):
        if path.parent.name == "simulate":
            continue  # it runs the firmware, all of it
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.ImportFrom) and not node.level and node.module:
                names = [f"{node.module}.{alias.name}" for alias in node.names]
            elif isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            for name in names:
                parts = name.split(".")
                if parts[0] == "mailmote" and len(parts) > 1 and ".".join(parts[:3]) not in names_of_things:
                    assert parts[1] in allowed or parts[1].startswith("__"), f"{path.name} imports {name}"
