"""A board of the simulation: the firmware's own agent, on a flash, a clock and a network that are not real.

This is the one place that knows how the firmware is put together: which of its parts is replaced (the
supervisor looks less often: supervision.py), and where the oracle listens (what the outbox takes and merges,
what a mail is made of).
"""

import asyncio
import contextvars
import copy
import errno
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from mailmote import agent, letters, log, supervisor
from mailmote.store import outbox, record

from ..errors import origin
from . import firmware, sensor
from .firmware import current
from .flash import Files, Flash
from .hardware import Clock, Machine, Network, NtpTime, Wlan
from .network import POWER_LOST, Connection, Cut, Route
from .oracle import Acceptance, Key, Oracle
from .plan import Plan, PowerFault
from .supervision import Heartbeat, Supervisor
from .tenant import PASSWORD, Server

_SILENT_S = 3600


class Life:
    """From power-on to power cut. `ended_s` is when that came, or None."""

    def __init__(self, board: "Board", number: int) -> None:
        self.board = board
        self.loop = board.loop
        self.ended_s: float | None = None
        self.over = asyncio.Event()
        self.files = Files(board.flash, self._cut)
        self.chance = board.plan.chance("board", board.number, number)
        self.modules = firmware.own_modules()
        self.turn = firmware.new_turn()
        self.clock = Clock(self.loop.time, board.plan.drift(board.number))
        self.unix_time = self.clock.unix_time
        self.ticks_ms = self.clock.ticks_ms
        self.wlan = Wlan(self.loop.time, board.plan.wifi)
        self.machine = Machine(self.clock)
        self.network = Network(self.wlan)
        self.ntptime = NtpTime(self.loop.time, board.plan, self._is_online)
        self.connections: list[Connection] = []
        self.tasks: list[asyncio.Task[Any]] = []
        self.cut_at_reply = False

    async def run(self) -> None:
        await agent.Agent(copy.deepcopy(self.board.settings)).run(None)

    def cut_power(self) -> None:
        """Now, whatever it does."""
        if not self.files.dead:
            self.files.dead = True
            self._cut()

    def _cut(self) -> None:
        self.ended_s = self.loop.time()
        for connection in self.connections:
            connection.break_off(POWER_LOST)
        self.over.set()

    async def end(self) -> None:
        """Let every task go: none gets any further than its next operation."""
        self.files.dead = True
        while waiting := [task for task in self.tasks if not task.done()]:
            for task in waiting:
                task.cancel()
            await asyncio.sleep(0)

    def check(self) -> None:
        self.files.check()

    def look_up(self, host: str) -> list[str]:
        """The address of a name. Raises OSError."""
        self.check()
        window = self.board.plan.outages.at(self.loop.time())
        if not self.wlan.isconnected() or (window and window.what == "no name"):
            raise socket.gaierror(socket.EAI_NONAME, "the name is not known")
        return ["203.0.113.25"]

    async def connect(self, host: str, port: int) -> Connection:
        """Raises OSError."""
        self.check()
        board = self.board
        window = board.plan.outages.at(self.loop.time())
        if not self.wlan.isconnected():
            raise OSError(errno.ENETUNREACH, "no network")
        if window and window.what == "no name":
            await asyncio.sleep(5)
            raise socket.gaierror(socket.EAI_NONAME, "the name is not known")
        if window and window.what == "unreachable":
            await asyncio.sleep(3)
            raise OSError(errno.EHOSTUNREACH, "no route")
        if window:
            await asyncio.sleep(_SILENT_S)
        await asyncio.sleep(2 * board.route.latency_s)
        if board.server.is_down():
            raise ConnectionRefusedError(errno.ECONNREFUSED, "refused")
        self.check()
        connection = Connection(self.loop, board.route, board.address, self)
        cut = board.plan.cut(self.chance, self.loop.time())
        if cut:
            connection.cut_at(cut)
        self.connections = [one for one in self.connections if one.client_left is None and not one.fate]
        self.connections.append(connection)
        board.server.accept(connection)
        return connection

    def _is_online(self) -> bool:
        return self.wlan.isconnected() and self.board.plan.outages.at(self.loop.time()) is None


class Board:
    """One board, over all its lives."""

    def __init__(
        self,
        number: int,
        settings: Mapping[str, Any],
        plan: Plan,
        server: Server,
        freezer: sensor.Freezer,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self.number = number
        self.settings = settings
        self.plan = plan
        self.server = server
        self.freezer = freezer
        self.loop = loop
        self.address = f"10.1.{number // 250}.{number % 250 + 1}"
        self._chance = plan.chance("power of", number)
        self.route = Route(self._chance.uniform(0.01, 0.12), self._open_at)
        self.flash = Flash()
        self.flash.folders |= {"secrets", "ca"}
        self.flash.contents |= {f"secrets/{name}.password": PASSWORD.encode() for name in ("mail", "wifi")}
        self.flash.contents["ca/root.der"] = b"a root"
        self.life: Life | None = None
        self.power_cuts = 0
        self._off_s = 1.0
        for fault in plan.power(number):
            loop.call_at(fault.at_s, self._fail, fault)

    @property
    def waiting(self) -> int:
        """How many records its flash holds for delivery."""
        return sum(name.startswith("outbox/") and name != "outbox/tmp" for name in self.flash.contents)

    async def live(self) -> None:
        """Start, run until the power is cut, start again; until cancelled."""
        number = 0
        while True:
            number += 1
            life = self.life = Life(self, number)
            context = contextvars.copy_context()
            context.run(current.set, life)
            self.loop.create_task(life.run(), context=context)
            try:
                await life.over.wait()
            finally:
                await life.end()
            self.life = None
            self.power_cuts += 1
            await asyncio.sleep(self._off_s)

    def accepted(self, acceptance: Acceptance) -> None:
        """The tenant has taken a mail of this board: what goes wrong around the reply goes wrong now."""
        life = acceptance.life
        connection = acceptance.connection
        if life.cut_at_reply and not life.files.dead:
            self.loop.call_later(self._chance.uniform(0, 1.5 * self.route.latency_s), life.cut_power)
        cut = self.plan.cuts_reply(life.chance, self.loop.time())
        if cut:
            connection.cut_at(Cut(False, connection.to_client.sent + cut[0], cut[1]))

    def _fail(self, fault: PowerFault) -> None:
        life = self.life
        if life is None or life.files.dead:
            return
        self._off_s = fault.off_s
        if fault.how == "flash":
            life.files.set_fuse(self._chance.randint(1, 12), self._chance.random() < 0.5)
        elif fault.how == "mail":
            life.cut_at_reply = True
        else:
            life.cut_power()

    def mend(self) -> None:
        """From now on the power stays."""
        if self.life:
            self.life.files.clear_fuse()
            self.life.cut_at_reply = False

    def _open_at(self, when_s: float) -> float:
        return self.plan.outages.open_at(self.plan.wifi.open_at(when_s))


@contextmanager
def installed(oracle: Oracle, crashes: list[str]) -> Iterator[None]:
    """The firmware, with the worlds of boards under it and the oracle's ears in it."""
    box = outbox.Outbox
    enqueue, merge = box.enqueue, getattr(box, "merge", None)

    def heard_enqueue(self: Any, event: Any, recipients: Any, dated: bool = False) -> int:
        number = enqueue(self, event, recipients, dated)
        life = current.get()
        oracle.raised(_key(self, number), event.title, tuple(recipients), life.loop.time())
        return number

    def heard_merge(self: Any, earlier: int, later: int, merged: Any) -> None:
        sources = [_key(self, earlier), _key(self, later)]
        oracle.merged(sources, Key(current.get().board.number, merged.identity))
        assert merge is not None
        merge(self, earlier, later, merged)

    def heard(compose: Any) -> Any:
        def composed(*arguments: Any) -> Any:
            message = compose(*arguments)
            life = current.get()
            keys = tuple(Key(life.board.number, record.identity) for record in _records(arguments))
            oracle.composed(life.board.number, _message_id(message), keys)
            return message

        return composed

    composers = [getattr(letters, name) for name in ("letter", "digest") if hasattr(letters, name)]
    simulated = {"mailmote.sensors.simulated": sensor}
    with firmware.in_worlds(simulated, {one: heard(one) for one in composers}) as put:
        put(supervisor, "Heartbeat", Heartbeat)
        put(agent, "Supervisor", Supervisor)
        put(log, "exception", lambda part, error: crashes.append(_place(error)))
        put(box, "enqueue", heard_enqueue)
        if merge is not None:
            put(box, "merge", heard_merge)
        yield


def _key(box: Any, number: int) -> Key:
    return Key(current.get().board.number, box.peek(number).identity)


def _records(arguments: tuple[Any, ...]) -> list[Any]:
    """The records that a mail is made of: what is one among its arguments, or gives them when it is called.

    A digest is also given the last of its records, for its Message-ID.
    """
    several: Any
    for several in arguments:
        if callable(several):
            return list(several())  # pyright: ignore[reportArgumentType] - of whatever the firmware gives
    return [argument for argument in arguments if isinstance(argument, record.Record)]


def _message_id(message: Any) -> str:
    mark = b"Message-ID: "
    [field] = [field for field in message._head if field.startswith(mark)]
    return field[len(mark) :].decode().strip()


def _place(error: BaseException) -> str:
    return "{}: {} at {}:{}".format(type(error).__name__, error, *origin(error))
