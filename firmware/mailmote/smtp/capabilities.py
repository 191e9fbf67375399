"""What a server said in its EHLO reply (RFC 5321 section 4.1.1.1)."""


class Capabilities:
    """`pipelining` (RFC 2920), `chunking` (RFC 3030), `eight_bit` (RFC 6152), `starttls` (RFC 3207): bool;
    `size` (RFC 1870): largest message in octets, 0 for no stated limit, None where SIZE is not offered;
    `auth` (RFC 4954): tuple of mechanism names in upper case."""

    __slots__ = ("auth", "chunking", "eight_bit", "pipelining", "size", "starttls")

    def __init__(self, lines=()):
        """`lines` are those of the EHLO reply, the server's greeting first. Keywords know no case."""
        self.pipelining = self.chunking = self.eight_bit = self.starttls = False
        self.size = None
        self.auth = ()
        for line in lines[1:]:
            words = line.upper().replace("AUTH=", "AUTH ").split()
            if words:
                self._take(words[0], words[1:])

    def _take(self, keyword, parameters):
        if keyword == "PIPELINING":
            self.pipelining = True
        elif keyword == "CHUNKING":
            self.chunking = True
        elif keyword == "8BITMIME":
            self.eight_bit = True
        elif keyword == "STARTTLS":
            self.starttls = True
        elif keyword == "SIZE":
            limit = parameters[0] if parameters else "0"
            digits = all("0" <= character <= "9" for character in limit)
            self.size = int(limit) if digits else 0
        elif keyword == "AUTH":
            self.auth += tuple(parameters)
