"""The firmware's courier against servers that say secrets back, on either runtime; all that it shows.

    canary_client.py PATH-ENTRIES FOLDER

FOLDER is the working directory and holds ca/. PATH-ENTRIES (a:b) go first in sys.path. Lines of JSON come
by standard input: first the secrets by name, then the jobs. What the board shows goes to standard output as
it does on a console; after a line that begins with RS (0x1e) and names it, what else can be shown of it.
"""

import asyncio
import gc
import io
import json
import os
import sys

sys.path[:0] = sys.argv[1].split(":")
os.chdir(sys.argv[2])

from mailmote import compat, log, sign_in, tokens  # noqa: E402
from mailmote.allowance import Allowance  # noqa: E402
from mailmote.courier import Courier  # noqa: E402
from mailmote.event import ABOVE, ALARM, Event  # noqa: E402
from mailmote.health import Health  # noqa: E402
from mailmote.net import https, session  # noqa: E402
from mailmote.net.link import Link  # noqa: E402
from mailmote.policy import stored_settings  # noqa: E402
from mailmote.redaction import hide  # noqa: E402
from mailmote.routes import Routes  # noqa: E402
from mailmote.smtp import auth, dialogue, transaction  # noqa: E402
from mailmote.smtp import credentials as shown  # noqa: E402
from mailmote.store import secrets  # noqa: E402
from mailmote.store.outbox import Outbox  # noqa: E402

log.level = log.DEBUG
NOW_S = 1767225600


class Ended(Exception):
    """The courier has nothing more to do for now."""


class Heartbeat:
    def beat(self, within_s=0):
        pass

    async def sleep(self, seconds, unless=None):
        """Only the pause after a failure ends it."""
        if unless:
            raise Ended

    async def wait(self, event):
        raise Ended


class Impatient(Heartbeat):
    async def sleep(self, seconds, unless=None):
        raise Ended


class Watched(Courier):
    """It remembers what stopped it."""

    failures = ()

    def hurry(self):
        for route in self._routes.all:
            route.due_s = 0

    async def _deliver(self, route, heartbeat):
        left, delivered = await super()._deliver(route, heartbeat)
        if left is not None:
            self.failures += (left,)
        return left, delivered


class Network:
    """The module `network`, of a driver that tells too much."""

    class WLAN:
        IF_STA = 0

        def __init__(self, interface):
            pass

        def active(self, on):
            pass

        disconnect = isconnected = lambda self: False
        status = lambda self: 1000  # noqa: E731

        def connect(self, ssid, key):
            raise OSError(1, "%s with %s" % (ssid, key))


def lend(path):
    """`https` stays in memory, so that its limits can be set."""
    return https if path == "mailmote.net.https" else borrow(path)


Allowance.wait_s = lambda self, recipients=1: 0  # how fast it mails is not the matter here
borrow, tokens.borrow = tokens.borrow, lend


def show(place, *texts):
    print("\x1e" + place)
    for text in texts:
        print(text)


def show_exception(place, error):
    """With its traceback; on CPython also with what it came from."""
    shown = io.StringIO()
    compat.print_exception(error, shown)
    show(place, repr(error), str(error), repr(error.args), shown.getvalue())
    cause = getattr(error, "__context__", None)
    if cause:
        show_exception(place + ", from", cause)


def limit(job):
    """Wait no longer than the job says for any reply, in place of the minutes of RFC 5321."""
    limit_s = job["limit_s"]
    compat.unix_time = (lambda: job["clock_s"]) if "clock_s" in job else unix_time
    for module in (dialogue, transaction):
        module._TRANSITIONS = {state: row[:4] + (limit_s,) for state, row in module._TRANSITIONS.items()}
    session._BLOCK_TIMEOUT_MS = https._WRITE_TIMEOUT_MS = https._TURN_TIMEOUT_MS = limit_s * 1000
    https._ANSWER_TIMEOUT_S = limit_s


def filled(free_bytes):
    """What takes all of the heap but so much, in small pieces."""
    ballast = None
    gc.collect()
    try:
        while gc.mem_free() > free_bytes:
            ballast = (bytearray(480), ballast)
    except MemoryError:
        pass  # what is free is in smaller pieces
    return ballast


async def run(job):
    """Mail an alert in so many rounds, each until the courier pauses, and show what came of it."""
    limit(job)
    settings = stored_settings.load(
        {
            "v": stored_settings.VERSION,
            "device": {"name": "freezer-3", "utc_offset_s": 0},
            "mail": job["mail"],
            "clock": {"ntp": []},
            "sensors": [],
            "alarms": [],
        }
    )
    outbox, health = Outbox(), Health(Link(None, None))
    courier = Watched(settings, outbox, Link(None, None), health, Routes(settings))
    ballast = filled(job["free_bytes"]) if "free_bytes" in job else None
    for _ in range(job["rounds"]):
        try:
            outbox.enqueue(Event(ALARM, ABOVE, "Too warm", NOW_S, NOW_S, 8.5, 7.0, 9.0), job["mail"]["to"])
            courier.wake()
            courier.hurry()
            await courier.run(Heartbeat())
        except Ended:
            pass
        except Exception as error:
            ballast = None
            log.exception("courier", error)
            show_exception("what escaped", error)
        ballast = None  # noqa: F841 - it was held until now
        show("ring", *log.recent())
        show("notes", *health.notes)
    for error in courier.failures:
        show_exception("failure", error)
    for number in outbox.waiting():
        outbox.close(number, outbox.load(number))
    show("done", *[error.key for error in courier.failures])


async def show_objects(handed):
    """The texts of whatever carries a secret; and of a Wi-Fi driver that says the password."""
    mail = {"auth": "oauth-device", "username": "mote", "oauth": {"secret": "oauth.refresh"}}
    credentials = shown.Credentials("mote", handed["mail.password"].encode())
    bearer = shown.Bearer("mote", handed["access"].encode())
    held = tokens.Tokens(mail)
    held._token = handed["access"].encode()
    identity = [handed[name].encode() for name in ("relay.cert", "relay.key")]
    wanted = {"tls": "required", "host": "mail.contoso.test"}
    objects = (
        credentials,
        bearer,
        held,
        auth.Plain(credentials),
        auth.Login(credentials),
        auth.Xoauth2(bearer),
        sign_in.Stored({"auth": "password", "password": "mail.password"}),
        session.Session("mote", wanted, bearer, Heartbeat(), identity),
        dialogue.Dialogue("mote", "required", credentials),
        Link("Plant IoT", handed["wifi.password"]),
    )
    for thing in objects:
        show(type(thing).__name__, repr(thing), str(thing), "%r" % (thing,), [thing], {"it": thing})
    sys.modules["network"] = Network
    hide(handed["wifi.password"])
    try:  # noqa: SIM105 - MicroPython has no contextlib
        await Link("Plant IoT", handed["wifi.password"]).keep(Impatient())
    except Ended:
        pass
    show("ring", *log.recent())


unix_time = compat.unix_time
handed = json.loads(sys.stdin.readline())
for name in secrets.NAMES:
    secrets.put(name, handed[name].encode())
asyncio.run(show_objects(handed))
for line in sys.stdin:
    asyncio.run(run(json.loads(line)))
