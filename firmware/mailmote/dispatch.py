"""One connection to the mail server, and the letters that go over it.

Loaded for a delivery and let go after it, with all of `smtp` and `mail`: a quarter of what the firmware takes
of the heap is in use only while there is something to send.
"""

from .letters import client_name, digest, letter
from .net.session import Session


class Dispatch:
    """`mail` is the mail table of the route, `identity` what tls.context takes."""

    def __init__(self, settings, mail, credentials, heartbeat, identity):
        self._settings = settings
        self._mail = mail
        self._session = Session(client_name(settings, mail), mail, credentials, heartbeat, identity)

    @property
    def secure(self):
        """Whether it speaks TLS."""
        return self._session.secure

    async def open(self):
        """Connect and sign in. Raises MailmoteError; close it then, too."""
        await self._session.open()

    async def close(self):
        """Take leave without waiting for the answer."""
        await self._session.close()

    def write(self, records, last, health, notes):
        """The Message for the record `last`, or for all that `records()` yields. Raises SettingsError."""
        if records:
            return digest(self._settings, self._mail, records, last, health, notes)
        return letter(self._settings, self._mail, last, health, notes)

    async def send(self, message, to):
        """None (delivered) or an exception for each address of `to`. Raises MailmoteError when the connection
        is lost: whether the message arrived is then unknown."""
        return await self._session.send(self._mail["from"], to, message)
