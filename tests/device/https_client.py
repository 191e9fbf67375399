"""The firmware's HTTPS against a server, on either runtime: jobs in as JSON lines, outcomes out as such.

    https_client.py PATH-ENTRIES FOLDER

FOLDER is the working directory and holds ca/, and jobs, a line of JSON each. PATH-ENTRIES (a:b) go first in
sys.path.
"""

import asyncio
import gc
import json
import os
import sys

sys.path[:0] = sys.argv[1].split(":")
os.chdir(sys.argv[2])

from mailmote import compat, log  # noqa: E402

compat.keep_heap_compact()

from mailmote.errors import MailmoteError  # noqa: E402
from mailmote.net import http_answer, https  # noqa: E402

log.level = 100

borrow = compat.borrow


def lend(path):
    """A board loads bytecode; here each look-up would compile the source, more than an answer takes."""
    return http_answer if path == "mailmote.net.http_answer" else borrow(path)


compat.borrow = lend


class Heartbeat:
    """Nobody watches this task."""

    def beat(self, within_s=0):
        pass


def prepare(job):
    """Set what the job has another mind of: the clock, and how long is waited for what."""
    compat.unix_time = (lambda: job["clock_s"]) if "clock_s" in job else real_time
    https._WRITE_TIMEOUT_MS, https._TURN_TIMEOUT_MS, https._ANSWER_TIMEOUT_S = real_limits
    if "handshake_limit_s" in job:
        https._WRITE_TIMEOUT_MS = https._TURN_TIMEOUT_MS = job["handshake_limit_s"] * 1000
    if "answer_limit_s" in job:
        https._ANSWER_TIMEOUT_S = job["answer_limit_s"]


def filled(free_bytes):
    """What takes all of the heap but so much of it, in one piece."""
    gc.collect()
    ballast = [None] * 2000
    room = bytearray(free_bytes)
    size = 4096
    for place in range(len(ballast)):
        while ballast[place] is None and size >= 16:
            try:
                ballast[place] = bytearray(size)
            except MemoryError:
                size //= 2
    del room
    return ballast


async def outcome_of(job):
    """What `post` gives, or how it fails."""
    try:
        status, body, wait_s = await https.post(job["endpoint"], https.form(job["form"]), Heartbeat())
    except MailmoteError as error:
        return {"failure": {"class": type(error).__name__, "key": error.key, "text": str(error)}}
    except MemoryError:
        return {"failure": {"class": "MemoryError"}}
    return {"status": status, "body": body, "wait_s": wait_s, "failure": None}


async def run(job):
    """Print the outcome of the job: a list, of as many requests as go out together."""
    ballast = filled(job["free_bytes"]) if "free_bytes" in job else []
    outcomes = await asyncio.gather(*[outcome_of(job) for _ in range(job.get("together", 1))])
    for place in range(len(ballast)):
        ballast[place] = None  # one by one: a stale pointer on the stack may keep the list
    gc.collect()
    for outcome in outcomes:
        if "body" in outcome:
            outcome["body"] = outcome["body"].decode()
    print("\x1e" + json.dumps(outcomes))


async def run_all(jobs):
    for job in jobs:
        prepare(job)
        await run(job)


real_time = compat.unix_time
real_limits = https._WRITE_TIMEOUT_MS, https._TURN_TIMEOUT_MS, https._ANSWER_TIMEOUT_S
with open("jobs") as file:
    lines = file.readlines()
asyncio.run(run_all(json.loads(line) for line in lines))
