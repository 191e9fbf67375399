"""One run: boards, a mailbox, faults, and the count at the end."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from mailmote.policy import stored_settings

from .. import settings_file
from ..errors import HostError
from ..tenant import content
from ..tenant.record import Message
from . import sensor
from .board import Board, installed
from .hardware import EPOCH_S
from .loop import VirtualLoop
from .network import Connection
from .oracle import Acceptance, Oracle
from .plan import Plan
from .rates import Rates
from .tenant import MAILBOX, PER_MINUTE, Server

_STEP_S = 600
_DRAIN_S = 3 * 86400  # longer than any pause of the firmware's
_SETTLE_S = 2 * 3600  # for what alarms hold back
_TO = ("ops@contoso.test", "oncall@fabrikam.test")

_MOTE_TOML = f"""\
[device]
name = "freezer-0"
site = "Cold store"

[wifi]
ssid = "Cold store"

[mail]
option = "client-submission"
auth = "password"
from = "{MAILBOX}"
to = ["{_TO[0]}"]
cc = ["{_TO[1]}"]

[[sensor]]
name = "freezer"
driver = "simulated"
every = "1min"

[[alarm]]
name = "too warm"
sensor = "freezer"
above = -12
clear = -15
for = "10min"
repeat_every = "2h"
severity = "critical"

[[alarm]]
name = "door"
sensor = "freezer"
above = -13
clear = -14

[[alarm]]
name = "probe"
sensor = "freezer"
no_reading_for = "15min"
to = ["{_TO[1]}"]
"""


@dataclass(frozen=True)
class Scenario:
    """What is run. `troubles_a_day` are those of each freezer; `storms` warm the whole room."""

    boards: int
    days: float
    seed: int
    faults: tuple[str, ...]
    troubles_a_day: float
    storms: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Result:
    """The count. Times are in seconds of virtual time; what no mail told is in `lost`."""

    boards: int
    days: float
    seed: int
    faults: list[str]
    raised: int
    delivered: int
    lost: int
    duplicates: int
    duplicates_by_cause: dict[str, int]
    interrupted: int
    unexplained: int
    mails: int
    worst_delay_s: int
    median_delay_s: int
    peak_per_minute: int
    over_limit_s: int
    peak_of_one_board: int
    drain_s: int
    best_drain_s: int
    power_cuts: int
    crashes: list[str]

    @property
    def good(self) -> bool:
        return not (self.lost or self.unexplained or self.crashes)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def run(scenario: Scenario, plan: Plan, on_progress: Callable[[float], None] = lambda share: None) -> Result:
    """Play a scenario with the faults of a plan. The same two give the same result."""
    loop = VirtualLoop()
    simulation = _Simulation(scenario, plan, loop)
    try:
        with installed(simulation.oracle, simulation.crashes):
            loop.run_until_complete(simulation.play(on_progress))
    finally:
        loop.close()
    return simulation.result()


def scenario(plan: Plan, boards: int) -> Scenario:
    """Each freezer has its troubles, and every other day the whole room gets warm."""
    chance = plan.chance("storms")
    storms = []
    begin_s = chance.expovariate(0.5 / 86400)
    while begin_s < plan.end_s:
        storms.append((begin_s, begin_s + chance.uniform(1800, 3 * 3600)))
        begin_s = storms[-1][1] + chance.expovariate(0.5 / 86400)
    return Scenario(boards, plan.end_s / 86400, plan.seed, tuple(plan.kinds), 3.0, tuple(storms))


def settings_of(number: int, boards: int) -> dict[str, Any]:
    """The settings of one of the boards, which share a mailbox."""
    loaded = settings_file.check("mote.toml", _MOTE_TOML, {"simulated": sensor.OPTIONS})
    if loaded.settings is None:
        raise HostError("\n".join(map(str, loaded.problems)))
    settings = json.loads(json.dumps(loaded.settings))
    settings["device"]["name"] = f"freezer-{number}"
    settings.setdefault("limits", {}).update(mailbox_share=1 / boards, mailbox_slot=number)
    return stored_settings.load(settings)


class _Simulation:
    def __init__(self, scenario: Scenario, plan: Plan, loop: VirtualLoop) -> None:
        self.oracle = Oracle()
        self.crashes: list[str] = []
        self._scenario = scenario
        self._plan = plan
        self._loop = loop
        self._server = Server(plan, EPOCH_S, self._accepted, _TO)
        self._boards: list[Board] = []
        self._by_connection: dict[int, Board] = {}
        loop.set_exception_handler(self._failed)

    async def play(self, on_progress: Callable[[float], None]) -> None:
        scenario, plan = self._scenario, self._plan
        for number in range(scenario.boards):
            chance = plan.chance("freezer", number)
            freezer = sensor.Freezer(chance, plan.end_s, scenario.troubles_a_day, list(scenario.storms))
            settings = settings_of(number, scenario.boards)
            self._boards.append(Board(number, settings, plan, self._server, freezer, self._loop))
        lives = [self._loop.create_task(board.live()) for board in self._boards]
        while self._loop.time() < plan.end_s:
            on_progress(self._loop.time() / plan.end_s)
            await asyncio.sleep(min(_STEP_S, plan.end_s - self._loop.time()))
        for board in self._boards:
            board.mend()
        while self._is_busy():  # noqa: ASYNC110 - in virtual time that costs nothing
            await asyncio.sleep(60)
        on_progress(1.0)
        for life in lives:
            life.cancel()
        await asyncio.gather(*lives, return_exceptions=True)
        await self._server.stop()

    def result(self) -> Result:
        scenario, oracle, end_s = self._scenario, self.oracle, self._plan.end_s
        delivered = [event for event in oracle.events if event.delivered_s is not None]
        delays = sorted((event.delivered_s or 0) - event.raised_s for event in delivered)
        before = [event.delivered_s or 0 for event in delivered if event.raised_s <= end_s]
        drained_s = max([end_s, *before])
        mails = sum(end_s < mail.at_s <= drained_s for mail in oracle.acceptances)
        rates = Rates(self._server.arrivals)
        one_board = [
            Rates([mail.at_s for mail in oracle.acceptances if mail.life.board is board]).peak
            for board in self._boards
        ]
        return Result(
            boards=scenario.boards,
            days=scenario.days,
            seed=scenario.seed,
            faults=list(scenario.faults),
            raised=len(oracle.events),
            delivered=len(delivered),
            lost=len(oracle.lost),
            duplicates=sum(oracle.duplicates.values()),
            duplicates_by_cause=dict(sorted(oracle.duplicates.items())),
            interrupted=oracle.interrupted,
            unexplained=oracle.unexplained,
            mails=len(oracle.acceptances),
            worst_delay_s=round(delays[-1]) if delays else 0,
            median_delay_s=round(delays[len(delays) // 2]) if delays else 0,
            peak_per_minute=rates.peak,
            over_limit_s=round(rates.longest_above(PER_MINUTE)),
            peak_of_one_board=max(one_board),
            drain_s=round(drained_s - end_s),
            best_drain_s=round(mails * 60 / PER_MINUTE),
            power_cuts=sum(board.power_cuts for board in self._boards),
            crashes=self.crashes,
        )

    def _is_busy(self) -> bool:
        """Whether something waits, or may still be raised."""
        after_s = self._loop.time() - self._plan.end_s
        return after_s < _SETTLE_S or (after_s < _DRAIN_S and any(board.waiting for board in self._boards))

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
            acceptance.replied_s = self._loop.time()

        connection.server.on_next_write(lambda end: connection.to_client.mark(end, replied))
        life.board.accepted(acceptance)

    def _failed(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """What asyncio would log: a task's exception that nobody asked for."""
        error = context.get("exception")
        if isinstance(error, Exception):
            self.crashes.append(f"{type(error).__name__}: {error}")
