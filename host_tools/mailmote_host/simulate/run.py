"""One run: boards, a mailbox, faults, and the count at the end."""

import asyncio
from collections.abc import Callable
from typing import Any

from ..tenant import content
from ..tenant.record import Message
from . import sensor
from .board import Board, installed
from .hardware import EPOCH_S
from .loop import VirtualLoop
from .network import Connection
from .oracle import Acceptance, Oracle
from .plan import Plan
from .result import Arrival, Result, count
from .scenario import TO, Scenario
from .tenant import Server

_STEP_S = 600
_DRAIN_S = 3 * 86400  # longer than any pause of the firmware's
_SETTLE_S = 2 * 3600  # for what alarms hold back


def run(scenario: Scenario, plan: Plan, on_progress: Callable[[float], None] = lambda share: None) -> Result:
    """Play a scenario with the faults of a plan. The same two give the same result."""
    loop = VirtualLoop()
    simulation = _Simulation(scenario, plan, loop)
    try:
        with installed(simulation.oracle, simulation.crashes):
            loop.run_until_complete(simulation.play(on_progress))
    finally:
        loop.close()
    power_cuts = sum(board.power_cuts for board in simulation.boards)
    return count(scenario, plan, simulation.oracle, simulation.arrivals, power_cuts, simulation.crashes)


class _Simulation:
    def __init__(self, scenario: Scenario, plan: Plan, loop: VirtualLoop) -> None:
        self.oracle = Oracle()
        self.crashes: list[str] = []
        self.boards: list[Board] = []
        self.arrivals: list[Arrival] = []
        self._scenario = scenario
        self._plan = plan
        self._loop = loop
        self._server = Server(plan, EPOCH_S, self._arrived, self._accepted, TO)
        loop.set_exception_handler(self._failed)

    async def play(self, on_progress: Callable[[float], None]) -> None:
        scenario, plan = self._scenario, self._plan
        for number in range(scenario.boards):
            chance = plan.chance("freezer", number)
            freezer = sensor.Freezer(chance, plan.end_s, scenario.troubles_a_day, list(scenario.storms))
            settings = scenario.settings_of(number)
            self.boards.append(Board(number, settings, plan, self._server, freezer, self._loop))
        lives = [self._loop.create_task(board.live()) for board in self.boards]
        while self._loop.time() < plan.end_s:
            on_progress(self._loop.time() / plan.end_s)
            await asyncio.sleep(min(_STEP_S, plan.end_s - self._loop.time()))
        for board in self.boards:
            board.mend()
        while self._is_busy():  # noqa: ASYNC110 - in virtual time that costs nothing
            await asyncio.sleep(60)
        on_progress(1.0)
        for life in lives:
            life.cancel()
        await asyncio.gather(*lives, return_exceptions=True)
        await self._server.stop()

    def _is_busy(self) -> bool:
        """Whether something waits, or may still be raised."""
        after_s = self._loop.time() - self._plan.end_s
        return after_s < _SETTLE_S or (after_s < _DRAIN_S and any(board.waiting for board in self.boards))

    def _arrived(self, connection: Connection) -> None:
        self.arrivals.append(Arrival(self._loop.time(), connection.client))

    def _accepted(self, connection: Connection, message: Message) -> None:
        life = connection.client
        acceptance = Acceptance(
            self._loop.time(),
            life,
            connection,
            content.message_id(message.data) or "",
            tuple(message.recipients),
        )
        self.oracle.accepted(acceptance)

        def replied() -> None:
            if connection.client_left is None:
                acceptance.replied_s = self._loop.time()

        connection.server.on_next_write(lambda end: connection.to_client.mark(end, replied))
        life.board.accepted(acceptance)

    def _failed(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """What asyncio would log: a task's exception that nobody asked for."""
        error = context.get("exception")
        if isinstance(error, Exception):
            self.crashes.append(f"{type(error).__name__}: {error}")
