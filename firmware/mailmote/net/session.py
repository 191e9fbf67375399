"""Drives a smtp.Dialogue over a Stream: this module only waits, reads and writes."""

from .. import compat
from ..errors import MailmoteError
from ..smtp import dialogue as smtp
from . import tls
from .stream import connect

_RECEIVE_BYTES = 512  # a reply line of RFC 5321
_SEND_BYTES = 1024  # small writes cost a TLS record each
_BLOCK_TIMEOUT_MS = 180000  # RFC 5321 section 4.5.3.2.5: while the server takes a piece of the message


class Session:
    """One connection to the mail server. Not shared between tasks."""

    def __init__(self, client_name, mail, credentials, heartbeat, identity=None):
        """`mail` is the settings' mail table; `identity` is what tls.context takes."""
        self._mail = mail
        self._heartbeat = heartbeat
        self._identity = identity
        self._dialogue = smtp.Dialogue(client_name, mail["tls"], credentials)
        self._stream = None
        self._received = memoryview(bytearray(_RECEIVE_BYTES))
        self._buffer = memoryview(bytearray(_SEND_BYTES))
        self._filled = 0

    @property
    def secure(self):
        """Whether it speaks TLS."""
        return self._dialogue.secure

    async def open(self):
        """Connect and sign in. Raises MailmoteError; close the session then, too."""
        self._heartbeat.beat(_BLOCK_TIMEOUT_MS // 1000)
        self._stream = await connect(self._mail.get("connect_to") or self._mail["host"], self._mail["port"])
        await self._run()

    async def send(self, reverse_path, recipients, message):
        """Send; returns a list with None (delivered) or an exception for each recipient.

        Raises MailmoteError when the connection is lost: whether the message arrived is then unknown.
        """
        self._dialogue.send(reverse_path, recipients, message)
        await self._run()
        return self._dialogue.results()

    async def close(self):
        """Take leave without waiting for the answer."""
        if self._stream is None:
            return
        try:
            if self._dialogue.wants == smtp.READY:
                self._dialogue.quit()
                await self._write_all()
        except MailmoteError:
            pass  # the results stand
        finally:
            self._stream.close()
            self._stream = None

    async def _run(self):
        """Do what the dialogue wants until it is ready for a message, or closed."""
        dialogue = self._dialogue
        while dialogue.wants not in (smtp.READY, smtp.CLOSED):
            if dialogue.wants == smtp.SEND:
                await self._write_all()
            elif dialogue.wants == smtp.UPGRADE:
                context = tls.context(self._identity)
                self._identity = None
                self._heartbeat.beat(_BLOCK_TIMEOUT_MS // 1000)
                await self._stream.upgrade(context, self._mail["host"], _BLOCK_TIMEOUT_MS)
                dialogue.upgraded()
            else:
                await self._receive_reply()

    async def _receive_reply(self):
        """Read until one whole reply has come: a deadline for it all, however slowly it drips."""
        limit_s = self._dialogue.reply_timeout_s
        self._heartbeat.beat(limit_s)
        deadline = compat.ticks_add(compat.ticks_ms(), limit_s * 1000)
        whole = 0
        while not whole and self._dialogue.wants == smtp.RECEIVE:
            left_ms = compat.ticks_diff(deadline, compat.ticks_ms())
            count = await self._stream.read_into(self._received, left_ms)
            whole = self._dialogue.receive(self._received[:count])

    async def _write_all(self):
        """Write the dialogue's output in blocks."""
        output = self._dialogue.output()
        try:
            for chunk in output:
                await self._write(chunk)
            await self._flush()
        finally:
            close = getattr(output, "close", None)
            if close:
                close()  # a message left in the middle: MicroPython would leave its attachment open

    async def _write(self, chunk):
        start = 0
        while start < len(chunk):
            step = min(len(chunk) - start, _SEND_BYTES - self._filled)
            self._buffer[self._filled : self._filled + step] = chunk[start : start + step]
            self._filled += step
            start += step
            if self._filled == _SEND_BYTES:
                await self._flush()

    async def _flush(self):
        if self._filled:
            self._heartbeat.beat(_BLOCK_TIMEOUT_MS // 1000)
            filled, self._filled = self._filled, 0
            await self._stream.write(self._buffer[:filled], _BLOCK_TIMEOUT_MS)
