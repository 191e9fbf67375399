"""What a sign-in shows. Kept for longer than the dialogue that shows it."""


class Credentials:
    """A user name (str) and a password (bytes). Never shown."""

    __slots__ = ("_password", "username")

    def __init__(self, username, password):
        self.username = username
        self._password = password

    def __repr__(self):
        return "Credentials(%r, ...)" % self.username

    def plain(self):
        """RFC 4616: authorization identity (empty), authentication identity, password."""
        return b"\0" + self.username.encode() + b"\0" + self._password

    def password(self):
        return self._password


class Bearer:
    """A mailbox (str) and an OAuth 2.0 access token for it (bytes). Never shown."""

    __slots__ = ("_token", "username")

    def __init__(self, username, token):
        self.username = username
        self._token = token

    def __repr__(self):
        return "Bearer(%r, ...)" % self.username

    def pieces(self):
        """`user=<mailbox>^Aauth=Bearer <token>^A^A`, ^A being the octet 1."""
        return b"user=" + self.username.encode() + b"\x01auth=Bearer ", self._token, b"\x01\x01"
