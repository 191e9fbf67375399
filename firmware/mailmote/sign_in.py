"""With what the board shows who it is: nothing, a password, an access token, or a certificate."""

from . import compat
from .redaction import hide
from .smtp.credentials import Credentials
from .store import secrets


def of(mail):
    """The way to sign in that the settings' mail table asks for: Stored, or tokens.Tokens."""
    if mail["auth"].startswith("oauth-"):
        from .tokens import Tokens

        return Tokens(mail)
    return Stored(mail)


class Stored:
    """What the secret store holds is shown as it is."""

    def __init__(self, mail):
        self._mail = mail

    async def credentials(self, heartbeat):
        """For AUTH, or None. Raises FixSettings where the secret is missing."""
        if self._mail["auth"] != "password":
            return None
        password = secrets.get(self._mail["password"])
        credentials = Credentials(self._mail["username"], password)
        hide(password)
        hide(credentials.plain())
        return credentials

    def identity(self):
        """For TLS: (certificate chain, key) as PEM, or None. Raises FixSettings where one is missing."""
        if self._mail["auth"] != "certificate":
            return None
        compat.collect()
        return secrets.get(self._mail["certificate"]), secrets.get(self._mail["key"])

    def accepted(self):
        """The server took the sign-in."""

    def refused(self, error):
        """True where another try has something else to show."""
        return False

    def renewal_s(self):
        """When it is to be renewed: 0 for never."""
        return 0

    async def keep(self, heartbeat, link, warn, paused):
        """What is stored needs no renewal."""
