"""What the server says in one session: each reply passes `respond`, where scripted faults come first."""

import asyncio
import datetime
import secrets
from collections.abc import Callable

from . import texts
from .faults import SessionScript
from .manners import Manners
from .model import Tenant
from .record import CLIENT, SERVER, Journal, Message, Session
from .rules import Answer
from .wire import Wire


class Speaker:
    """The voice of one session, and the writer of its transcript.

    `commands` counts the command lines so far; the session does the counting.
    """

    def __init__(
        self,
        wire: Wire,
        record: Session,
        journal: Journal,
        tenant: Tenant,
        host: str,
        manners: Manners,
        script: SessionScript,
    ) -> None:
        self.commands = 0
        self.id = f"08DF{secrets.randbits(48):012X}"
        self._wire = wire
        self._record = record
        self._journal = journal
        self._tenant = tenant
        self._host = host
        self._delays = manners.delays
        self._script = script

    async def respond(
        self, stage: str, decide: Callable[[], Answer], settle: Callable[[str], None] = lambda reply: None
    ) -> str:
        """Queue the reply to a stage: the scripted one, or what `decide` says. Returns its text.

        `decide` also makes the command take effect; it is not asked where a script refuses. `settle` is
        told the reply before any of it can go out.
        """
        fault = self._script.at_stage(stage, self.commands)
        before, scripted, after = fault.split() if fault else ((), None, ())
        await self._wire.perform(before)
        if scripted is None:
            decision = decide()
            await asyncio.sleep(decision.delay_s * self._delays)
            octets = self._filled(decision)
        else:
            if scripted.permits:
                decide()
            octets = scripted.octets
        reply = octets.decode("utf-8", "backslashreplace").rstrip("\r\n")
        settle(reply)
        self._queue(octets, reply)
        if after:
            await self._wire.flush()
            await self._wire.perform(after)
        return reply

    def say(self, decision: Answer) -> None:
        """Queue a reply that belongs to no stage, and that no script can change."""
        octets = self._filled(decision)
        self._queue(octets, octets.decode().rstrip("\r\n"))

    def heard(self, line: str) -> None:
        """Write a line of the client into the transcript."""
        self._journal.write(self._record, CLIENT, line, self._tenant.secrets())

    def keep(self, message: Message) -> None:
        """Put an accepted message where all can see it."""
        self._journal.accept(message)

    def _queue(self, octets: bytes, reply: str) -> None:
        self._journal.write(self._record, SERVER, reply, self._tenant.secrets())
        self._wire.put(octets)

    def _filled(self, decision: Answer) -> bytes:
        now = datetime.datetime.now(datetime.UTC)
        moment = now.isoformat(timespec="milliseconds").removesuffix("+00:00")
        fields = {
            "host": self._host,
            "id": self.id,
            "date": now.strftime("%a, %d %b %Y %H:%M:%S +0000"),
            "suffix": f"[{self._host} {moment}Z {self.id}]",
            "client": self._record.client,
            "server": texts.EXAMPLE["server"],
        }
        return texts.fill(decision.key, fields | decision.fields).encode() + b"\r\n"
