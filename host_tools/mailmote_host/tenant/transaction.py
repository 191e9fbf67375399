"""Mail transactions: MAIL, RCPT, then DATA or BDAT (RFC 5321 section 3.3, RFC 3030)."""

import datetime
import secrets

from . import content, texts
from .envelope import parse_path
from .faults import InData, SessionScript
from .manners import Manners
from .model import Tenant
from .record import Message, Session
from .rules import Answer, Rules, answer
from .speaker import Speaker
from .wire import Wire


class Transactions:
    """The transactions of one session, one after the other.

    The session tells what EHLO has offered (`offered`) and, for the reply to a MAIL without sign-in, how
    the last sign-in failed (`auth_failure`).
    """

    def __init__(
        self,
        wire: Wire,
        speaker: Speaker,
        record: Session,
        tenant: Tenant,
        rules: Rules,
        manners: Manners,
        script: SessionScript,
    ) -> None:
        self.offered: frozenset[str] = frozenset()
        self.auth_failure = ""
        self._wire = wire
        self._speaker = speaker
        self._record = record
        self._tenant = tenant
        self._rules = rules
        self._manners = manners
        self._script = script
        self._current: Message | None = None
        self._chunks: bytearray | None = None
        self._content_octets = 0
        self._content_points = script.points(InData)
        self._round_trips_told = 0

    def drop(self) -> None:
        """Forget the open transaction."""
        self._current = None

    async def mail(self, argument: str) -> None:
        def decide() -> Answer:
            refusal = self._sender_refusal()
            if refusal is not None:
                return refusal
            path = parse_path(argument, "FROM")
            if path is None:
                return answer("invalid-sender")
            if "SMTPUTF8" in path.parameters and self._manners.stack == "new":
                return answer("smtputf8-refused")
            if not path.permitted(self.offered):
                return answer("invalid-arguments")
            if not (path.address.isascii() or "SMTPUTF8" in path.parameters):
                return answer("invalid-sender")
            if int(path.parameters.get("SIZE", "0")) > self._tenant.max_message_octets:
                return answer("too-big")
            self._begin(Message(self._record, self._rules.endpoint, path.address, path.parameters))
            return answer("sender-ok")

        await self._speaker.respond("mail", decide)

    async def rcpt(self, argument: str) -> None:
        message = self._current
        path = parse_path(argument, "TO")

        def decide() -> Answer:
            if message is None:
                return answer("sender-first")
            if path is None or not (path.address.isascii() or "SMTPUTF8" in message.parameters):
                return answer("invalid-recipient")
            if not path.permitted(self.offered):
                return answer("invalid-arguments")
            refusal = self._rules.recipient(self._record, message, path.address)
            if refusal is not None:
                return refusal
            message.recipients.append(path.address)
            return answer("recipient-ok")

        reply = await self._speaker.respond("rcpt", decide)
        if message is not None and path is not None and not reply.startswith("2"):
            message.refused.append((path.address, reply))

    async def data(self, argument: str) -> None:
        begun = False

        def decide() -> Answer:
            nonlocal begun
            refusal = self._content_refusal()
            if refusal is not None:
                return refusal
            if argument:
                return answer("invalid-arguments")
            if self._chunks is not None or self._is_binary():
                return answer("needs-bdat")
            begun = True
            return answer("start-input")

        await self._speaker.respond("data", decide)
        if not begun:
            return
        await self._wire.flush()
        text = content.DottedText(self._tenant.max_message_octets)
        rest = None
        while rest is None:
            rest = text.feed(await self._piece(None))
        self._wire.give_back(rest)
        await self._finish(text.unstuffed(), text.overflowed)

    async def bdat(self, argument: str) -> None:
        """BDAT (RFC 3030 section 2): the chunk follows at once, and is read even where it is refused."""
        count, _, last = argument.partition(" ")
        if not (count.isascii() and count.isdigit()) or last.upper() not in ("", "LAST"):
            await self._speaker.respond("data", lambda: answer("invalid-arguments"))
            return
        refusal = self._content_refusal()
        limit = self._tenant.max_message_octets
        chunks = bytearray() if self._chunks is None else self._chunks
        left = int(count)
        while left:
            piece = await self._piece(left)
            left -= len(piece)
            if refusal is None and len(chunks) <= limit:
                chunks += piece
        await self._wire.perform_due(self._content_points, self._content_octets)
        if refusal is not None:
            await self._speaker.respond("data", lambda: refusal)
        elif last:
            await self._finish(bytes(chunks), len(chunks) > limit)
        else:
            self._chunks = chunks
            reply = await self._speaker.respond("data", lambda: answer("chunk-ok", octets=count))
            if not reply.startswith("2"):
                self.drop()

    async def rset(self, argument: str) -> None:
        def decide() -> Answer:
            self.drop()
            return answer("reset")

        await self._speaker.respond("rset", decide)

    def _sender_refusal(self) -> Answer | None:
        if not self._record.helo:
            return answer("hello-first")
        if self._current is not None:
            return answer("sender-given")
        refusal = self._rules.sender(self._record)
        if refusal is not None and refusal.key == "not-authenticated" and self.auth_failure:
            return answer("not-authenticated-after-failure", reason=self.auth_failure)
        return refusal

    def _content_refusal(self) -> Answer | None:
        if self._current is None:
            return answer("sender-first")
        return None if self._current.recipients else answer("recipient-first")

    def _is_binary(self) -> bool:
        return self._current is not None and self._current.parameters.get("BODY", "").upper() == "BINARYMIME"

    def _begin(self, message: Message) -> None:
        self._current = message
        self._record.transactions.append(message)
        self._chunks = None
        self._content_octets = 0
        self._content_points = self._script.points(InData)

    async def _piece(self, limit: int | None) -> bytes:
        piece = await self._wire.content(limit, self._content_points, self._content_octets)
        self._content_octets += len(piece)
        return piece

    async def _finish(self, data: bytes, too_big: bool) -> None:
        """The message is whole: decide on it, keep it, answer."""
        message = self._current
        assert message is not None
        message.data = data
        self._speaker.heard(f"<{len(data)} octets of message>")

        def decide() -> Answer:
            refusal = answer("too-big") if too_big else self._rules.message(self._record, message)
            if refusal is not None:
                return refusal
            message.accepted = True
            return self._acceptance(message)

        def settle(reply: str) -> None:
            message.result = reply
            message.round_trips = self._wire.round_trips + 1 - self._round_trips_told
            message.received_at = datetime.datetime.now(datetime.UTC)
            message.tls, message.auth, message.helo = self._record.tls, self._record.auth, self._record.helo
            self.drop()
            if message.accepted:
                self._speaker.keep(message)

        await self._speaker.respond("content", decide, settle)
        await self._wire.flush()
        self._round_trips_told = self._wire.round_trips

    def _acceptance(self, message: Message) -> Answer:
        made_up_id = f"<{self._speaker.id}@{texts.EXAMPLE['server'].lower()}>"
        internal_id = 10**13 + secrets.randbelow(9 * 10**13)  # as long each time, for faults at an octet
        return answer(
            self._rules.accepted,
            delay_s=message.throttled_s,
            message_id=content.message_id(message.data) or made_up_id,
            internal_id=str(internal_id),
            octets=str(len(message.data)),
        )
