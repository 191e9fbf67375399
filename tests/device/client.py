"""The firmware's session against a server, on either runtime: jobs in as JSON lines, outcomes out as such.

    client.py PATH-ENTRIES FOLDER

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

from mailmote import compat, log
from mailmote.errors import MailmoteError
from mailmote.mail.message import Message
from mailmote.net import session as sessions
from mailmote.net import stream, tls
from mailmote.smtp import dialogue, transaction
from mailmote.smtp.credentials import Credentials

log.level = 100


class Heartbeat:
    """Nobody watches this task."""

    def beat(self, within_s=0):
        pass


def attachment(octets):
    """A binary file that is never whole in memory."""

    def blocks():
        block = bytes(range(256))
        for _ in range(octets // 256):
            yield block

    return ("readings.bin", "application/octet-stream", blocks)


def message_of(wanted):
    return Message(
        (wanted.get("name", "Mote"), wanted["from"]),
        wanted.get("header_to", wanted["to"]),
        wanted.get("subject", "Freezer too warm"),
        wanted.get("id", "1.2@contoso.test"),
        "Mon, 16 Dec 2013 15:40:00 +0000",
        wanted.get("pieces", (wanted.get("text", "The freezer is too warm.\n"),)),
        attachments=(attachment(wanted["attachment_octets"]),) if "attachment_octets" in wanted else (),
    )


def told(error):
    return error and {"class": type(error).__name__, "key": error.key, "text": str(error)}


def with_limit(transitions, limit_s):
    return {state: row[:4] + (limit_s,) for state, row in transitions.items()}


def set_limits(limit_s):
    """Wait no longer than this for any reply or write, in place of the minutes of RFC 5321."""
    dialogue._TRANSITIONS = with_limit(dialogue._TRANSITIONS, limit_s)
    transaction._TRANSITIONS = with_limit(transaction._TRANSITIONS, limit_s)
    sessions._BLOCK_TIMEOUT_MS = limit_s * 1000


def set_heap(regions, stand_ins):
    """Be an ESP32 whose ESP-IDF has these regions of memory; `stand_ins` is the folder of the stand-in."""
    sys.path.append(stand_ins)
    from esp32_stand_in import Esp32

    Esp32.heap_regions = regions
    sys.modules["esp32"] = Esp32()


def prepare(job):
    compat.unix_time = (lambda: job["clock_s"]) if "clock_s" in job else real_time
    dialogue._TRANSITIONS, transaction._TRANSITIONS, sessions._BLOCK_TIMEOUT_MS = real_limits
    if "limit_s" in job:
        set_limits(job["limit_s"])
    if "heap_regions" in job:
        set_heap(job["heap_regions"], job["stand_ins"])


async def run_tls(job):
    """TLS from the first octet on, as HTTPS has it."""
    failure = None
    connection = await stream.connect(job["mail"]["connect_to"], job["mail"]["port"])
    try:
        await connection.upgrade(tls.context(), job["mail"]["host"], sessions._BLOCK_TIMEOUT_MS)
        await connection.write(b"POST / HTTP/1.1\r\n\r\n", sessions._BLOCK_TIMEOUT_MS)
    except MailmoteError as error:
        failure = told(error)
    connection.close()
    print("\x1e" + json.dumps({"results": [], "failure": failure}))


async def run(job):
    credentials = Credentials(job["username"], job["password"].encode()) if "username" in job else None
    name = job.get("client_name", "mote.contoso.test")
    identity = [part.encode() for part in job["identity"]] if "identity" in job else None
    session = sessions.Session(name, job["mail"], credentials, Heartbeat(), identity)
    results, failure = [], None
    try:
        await session.open()
        for wanted in job["messages"]:
            outcome = await session.send(wanted["from"], wanted["to"], message_of(wanted))
            results.append([told(error) for error in outcome])
    except MailmoteError as error:
        failure = told(error)
    await session.close()
    gc.collect()
    print("\x1e" + json.dumps({"results": results, "failure": failure}))


real_time = compat.unix_time
real_limits = dialogue._TRANSITIONS, transaction._TRANSITIONS, sessions._BLOCK_TIMEOUT_MS
with open("jobs") as file:
    for line in file:
        job = json.loads(line)
        prepare(job)
        asyncio.run((run_tls if job.get("tls_at_once") else run)(job))
