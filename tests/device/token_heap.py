"""How much of the heap a token renewal and a mail by XOAUTH2 keep alive at most, on MicroPython.

    token_heap.py PATH-ENTRIES FOLDER

FOLDER has job.json: the mail table of the settings. What is live is counted after a collection, wherever most
is held: when the answer has been parsed, when the new refresh token is stored, and at each write.
"""

import asyncio
import gc
import json
import os
import sys

sys.path[:0] = sys.argv[1].split(":")
os.chdir(sys.argv[2])

from mailmote import log, sign_in, tokens
from mailmote.mail.message import Message
from mailmote.net.session import Session
from mailmote.net.stream import Stream
from mailmote.store import secrets

log.level = 100
peak = 0


class Heartbeat:
    """Nobody watches this task."""

    def beat(self, within_s=0):
        pass


def look():
    global peak
    gc.collect()
    peak = max(peak, gc.mem_alloc())


def watched(module, name):
    """Look at the heap whenever that function is entered, with its arguments alive."""
    function = getattr(module, name)

    def run(*arguments):
        look()
        return function(*arguments)

    setattr(module, name, run)


async def main(mail):
    global peak
    # What is loaded at the first use stays: the second time is what a running board needs again and again.
    one = sign_in.of(mail)
    await one.credentials(Heartbeat())
    for module, name in ((tokens, "_is_token"), (secrets, "put"), (Stream, "write"), (Stream, "upgrade")):
        watched(module, name)
    one._token = None
    for _ in range(3):
        gc.collect()
        await asyncio.sleep(0)  # the frames that held the first token are gone then
    before = peak = gc.mem_alloc()
    credentials = await one.credentials(Heartbeat())
    renewal = peak - before
    gc.collect()
    token = gc.mem_alloc() - before
    before = peak = gc.mem_alloc()
    session = Session("mote.contoso.test", mail, credentials, Heartbeat())
    await session.open()
    text = ("The freezer is too warm.\n",)
    date = "Mon, 16 Dec 2013 15:40:00 +0000"
    message = Message(("Mote", mail["from"]), mail["to"], "Too warm", "1.2@contoso.test", date, text)
    results = await session.send(mail["from"], mail["to"], message)
    sending = peak - before
    await session.close()
    delivered = results == [None]
    print(json.dumps({"renewal": renewal, "token": token, "send": sending, "delivered": delivered}))


with open("job.json") as file:
    settings = json.load(file)
asyncio.run(main(settings))
