"""The firmware's modules with a board's own world under them, for as long as a run lasts.

Many boards share one process and one set of modules. Each life of a board, from power-on to power cut, is a
context (contextvars): its tasks run in it, and what the modules take from outside (`os`, `open`, `random`,
the clock, the network) goes to the life of the task that asks. The few modules that keep something of their
own between calls are there once for each life.
"""

import asyncio
import builtins
import contextvars
import importlib
import os
import pkgutil
import random
import sys
import types
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from importlib import util
from typing import Any, Protocol

import mailmote
from mailmote import compat, log
from mailmote.net import stream

from .flash import Files
from .network import Connection

_OWN_MODULES = ("mailmote.net.clock", "mailmote.net.names")
_CLEAR_BEFORE_TLS = -29184  # as compat.py has it


class Life(Protocol):
    """What the firmware's modules reach of the board they run on."""

    files: Files
    chance: random.Random
    modules: dict[str, types.ModuleType]
    turn: Any
    machine: Any
    ntptime: Any
    network: Any

    def unix_time(self) -> int: ...

    def ticks_ms(self) -> int: ...

    def look_up(self, host: str) -> list[str]: ...

    async def connect(self, host: str, port: int) -> Connection: ...

    def check(self) -> None: ...


current: contextvars.ContextVar[Any] = contextvars.ContextVar("life")


class _OfLife:
    """Stands for an object of which each life has its own: `path` leads to it from the life."""

    def __init__(self, *path: str) -> None:
        self.__dict__["_path"] = path

    def _mine(self) -> Any:
        found = current.get()
        for name in self._path:
            found = found[name] if isinstance(found, dict) else getattr(found, name)
        return found

    def __getattr__(self, name: str) -> Any:
        return getattr(self._mine(), name)

    def __setattr__(self, name: str, value: object) -> None:
        setattr(self._mine(), name, value)


def own_modules() -> dict[str, types.ModuleType]:
    """Fresh modules for a life, of those that keep something between calls."""
    found = {}
    for name in _own():
        spec = util.find_spec(name)
        assert spec is not None
        assert spec.loader is not None
        found[name] = util.module_from_spec(spec)
        spec.loader.exec_module(found[name])
    return found


def _own():
    return [name for name in _OWN_MODULES if name in sys.modules]


def new_turn() -> Any:
    """Who of a board's streams may speak TLS: the board's own."""
    return stream._Turn()


Put = Callable[[Any, str, object], None]
"""Gives an owner (a module, a class, a dict) another value by that name, until the run is over."""


@contextmanager
def in_worlds(more: Mapping[str, types.ModuleType], heard: Mapping[Any, Any]) -> Iterator[Put]:
    """Let the firmware run in the current life.

    `more` are modules to be found by these names; `heard` are functions of the firmware, and what is called
    in their place.
    """
    _load_all()
    replaced = _replacements() | {id(original): stand_in for original, stand_in in heard.items()}
    with ExitStack() as undo:

        def put(owner: Any, name: str, value: object) -> None:
            if isinstance(owner, dict):
                names, change, forget = owner, dict.__setitem__, dict.__delitem__
            else:
                names, change, forget = vars(owner), setattr, delattr
            if name in names:
                undo.callback(change, owner, name, names[name])
            else:
                undo.callback(forget, owner, name)
            change(owner, name, value)

        for module in [each for name, each in sys.modules.items() if name.partition(".")[0] == "mailmote"]:
            for name, value in list(vars(module).items()):
                if _is_key(value) and id(value) in replaced:
                    put(module, name, replaced[id(value)])
            put(module, "open", _open)
        put(stream, "_turn", _OfLife("turn"))
        put(log, "level", 1000)  # lines that nobody reads would take half of the time
        for name in ("machine", "ntptime", "network"):
            put(sys.modules, name, _OfLife(name))
        for name, module in more.items():
            put(sys.modules, name, module)
        yield put


def _load_all() -> None:
    for found in pkgutil.walk_packages(mailmote.__path__, "mailmote."):
        importlib.import_module(found.name)


def _is_key(value: object) -> bool:
    return isinstance(value, types.ModuleType | types.FunctionType | types.BuiltinFunctionType)


def _replacements() -> dict[int, Any]:
    """By the identity of what a module finds in its namespace: what it finds there in a run."""
    found: dict[int, Any] = {id(os): _OfLife("files"), id(random): _OfLife("chance")}
    if hasattr(compat, "look_up"):
        found[id(compat.look_up)] = lambda host, port: current.get().look_up(host)
    for name in _own():
        found[id(sys.modules[name])] = _OfLife("modules", name)
    for original, stand_in in (
        (compat.unix_time, lambda: current.get().unix_time()),
        (compat.ticks_ms, lambda: current.get().ticks_ms()),
        (compat.borrow, importlib.import_module),
        (compat.connect, _connect),
        (compat.start_tls, _start_tls),
        (compat.read_into, _read_into),
        (compat.write_all, _write_all),
        (compat.close, _close),
        (compat.console, _no_console),
        (compat.new_tls_context, lambda certificates: list(certificates)),
    ):
        found[id(original)] = stand_in
    return found


# What compat.py does with streams, on a Connection in the place of a pair of them.


def _open(path: Any, *rest: Any, **named: Any) -> Any:
    life = current.get(None)
    return builtins.open(path, *rest, **named) if life is None else life.files.open(path, *rest, **named)


def _connect(host: str, port: int) -> Awaitable[Connection]:
    return current.get().connect(host, port)


async def _start_tls(connection: Connection, context: object, server_hostname: str) -> Connection:
    if connection.reader._buffer:  # pyright: ignore[reportAttributeAccessIssue] - as compat.py does
        raise OSError(_CLEAR_BEFORE_TLS, "data in clear before the handshake")
    await connection.secure()
    return connection


async def _read_into(connection: Connection, buffer: memoryview) -> int:
    data = await connection.reader.read(len(buffer))
    current.get().check()
    buffer[: len(data)] = data
    return len(data)


async def _write_all(connection: Connection, data: memoryview) -> None:
    current.get().check()
    connection.write(bytes(data))
    await asyncio.sleep(0)


def _close(connection: Connection) -> None:
    life = current.get()
    if not life.files.dead:
        connection.leave()


async def _no_console() -> None:
    return None
