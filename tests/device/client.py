"""The firmware's session against a server, on either runtime: jobs in as JSON, outcomes out as JSON lines.

    client.py PATH-ENTRIES FOLDER

FOLDER is the working directory and holds jobs.json and ca/. PATH-ENTRIES (a:b) go first in sys.path.
"""

import asyncio
import gc
import json
import os
import sys

sys.path[:0] = sys.argv[1].split(":")
os.chdir(sys.argv[2])

from mailmote import log
from mailmote.errors import MailmoteError
from mailmote.mail.message import Message
from mailmote.net.session import Session
from mailmote.smtp.auth import Credentials

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
        wanted["to"],
        wanted.get("subject", "Freezer too warm"),
        wanted.get("id", "1.2@contoso.test"),
        "Mon, 16 Dec 2013 15:40:00 +0000",
        (wanted.get("text", "The freezer is too warm.\n"),),
        attachments=(attachment(wanted["attachment_octets"]),) if "attachment_octets" in wanted else (),
    )


def told(error):
    return error and {"class": type(error).__name__, "key": error.key, "text": str(error)}


async def run(job):
    credentials = Credentials(job["username"], job["password"].encode()) if "username" in job else None
    session = Session("mote.contoso.test", job["mail"], credentials, Heartbeat())
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


with open("jobs.json") as file:
    jobs = json.load(file)
for job in jobs:
    asyncio.run(run(job))
