"""An hour of a whole agent with nothing to tell, in virtual time, on real littlefs: what it costs the flash.

    micropython idle_hour.py PATH-ENTRIES SETTINGS.JSON

PATH-ENTRIES are separated by `:` and put before sys.path. One line of JSON: [seconds, readings, operations of
the flash]. Time passes whenever every task sleeps. What stands in for the sensor always reads the same.
"""

import asyncio
import json
import sys

sys.path[:0] = sys.argv[1].split(":")

from cut_flash import CutFlash, blank, run  # noqa: E402

from mailmote import agent, compat, log, sensors  # noqa: E402
from mailmote.net import clock  # noqa: E402
from mailmote.policy import stored_settings  # noqa: E402

BLOCKS = 32
HOUR_S = 3600
STARTED_S = 1800000000


class Time:
    """Stands still but while every task waits."""

    def __init__(self):
        self.ms = 0
        self._really = asyncio.core.ticks()

    def ticks(self):
        """Ahead of the real clock, by which the parts of the event loop go that are written in C."""
        return compat.ticks_add(self._really, self.ms)

    def wait(self, milliseconds):
        self.ms += max(0, milliseconds)

    def unix_s(self):
        return STARTED_S + self.ms // 1000


class Steady:
    paced = True

    def __init__(self):
        self.readings = 0

    def read(self, now_s):
        self.readings += 1
        return now_s, -20.0


async def hour(settings, time):
    task = asyncio.create_task(agent.Agent(settings).run(None))
    await asyncio.sleep(HOUR_S)
    if task.done():
        raise SystemExit("the agent has ended")
    task.cancel()


def main(settings):
    time, sensor = Time(), Steady()
    asyncio.core.ticks = time.ticks
    asyncio.core._io_queue.wait_io_event = time.wait
    compat.ticks_ms = time.ticks
    compat.unix_time = time.unix_s
    sensors.make = lambda driver, options: sensor
    clock._ask = lambda server: time.unix_s()
    flash = CutFlash(blank(BLOCKS))

    def work():
        agent.Outbox()  # the folders are made at the first start
        before = flash.operations
        asyncio.run(hour(settings, time))
        print(json.dumps([time.ms // 1000, sensor.readings, flash.operations - before]))

    run(flash, work)


log.level = 100
with open(sys.argv[2]) as file:
    main(stored_settings.load(json.load(file)))
