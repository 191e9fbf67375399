"""Alarms from the outbox to a mail server that cuts, on either runtime: a job a line in, its outcome out.

    cut_client.py PATH-ENTRIES FOLDER

FOLDER is the working directory and holds ca/. PATH-ENTRIES (a:b) go first in sys.path.
"""

import asyncio
import gc
import json
import os
import sys

sys.path[:0] = sys.argv[1].split(":")
os.chdir(sys.argv[2])

from cut_courier import Attempt, Clock

from mailmote import compat
from mailmote.smtp.credentials import Bearer, Credentials


class Ear:
    """Hears what the firmware reads: `heard` has the octets of each connection."""

    def __init__(self, on_connect):
        self.heard = []
        self._on_connect = on_connect

    async def connect(self, host, port):
        self._on_connect()
        self.heard.append(bytearray())
        return await real_connect(host, port)

    async def read_into(self, pair, buffer):
        count = await real_read_into(pair, buffer)
        self.heard[-1] += bytes(buffer[:count])
        return count


def credentials_of(job):
    if "token" in job:
        return Bearer(job["username"], job["token"].encode())
    return Credentials(job["username"], job["password"].encode()) if "username" in job else None


def run(job):
    clock = Clock(real_ticks_ms, real_unix_time)
    compat.ticks_ms, compat.unix_time = clock.ticks_ms, clock.unix_time
    names = job["alarms"], job["later"]
    attempt = Attempt(job["mail"], job["recipients"], *names, credentials_of(job), clock)
    ear = Ear(attempt.connected)
    compat.connect, compat.read_into = ear.connect, ear.read_into
    asyncio.run(attempt.run())
    gc.collect()
    return {
        "settled": attempt.settled,
        "failures": attempt.failures,
        "waiting": attempt.waiting,
        "heard": [str(octets, "utf-8") for octets in ear.heard],
    }


real_connect, real_read_into = compat.connect, compat.read_into
real_ticks_ms, real_unix_time = compat.ticks_ms, compat.unix_time
while True:
    line = sys.stdin.readline()
    if not line:
        break
    sys.stdout.write("\x1e" + json.dumps(run(json.loads(line))) + "\n")
    if hasattr(sys.stdout, "flush"):
        sys.stdout.flush()
