"""What the board finds wrong itself, before or without a reply that refuses."""

from .form import LongForm
from .pages import RFC

_HOST_AND_PORT = (
    "Check host and port in mote.toml, and that nothing on the network answers in the server's place."
)

LONG_FORMS = {
    "reply-too-long": LongForm(
        "A reply of SMTP has a line or a few; this one went past every bound, and the board stopped "
        "reading before its memory was full.",
        (
            _HOST_AND_PORT,
            "If the server is yours, look at what it says to: EHLO mote.example.",
        ),
        (),
        (RFC + "rfc5321.html#section-4.5.3.1.5",),
    ),
    "malformed-reply": LongForm(
        "A reply begins with three digits and ends with CRLF, and all its lines have the same digits. "
        "What came was something else: a web server, a proxy's page, or a broken mail server. Nothing in "
        "it was believed.",
        (
            _HOST_AND_PORT,
            "The board tries again, in case it was a passing fault.",
        ),
        (),
        (RFC + "rfc5321.html#section-4.2",),
    ),
    "early-reply": LongForm(
        "The server answered before it was asked. Replies and commands would no longer belong together, "
        "so the board ended the connection; whatever was accepted before that stays accepted.",
        (
            _HOST_AND_PORT,
            "Some security appliances inject replies: exempt the board's connection from inspection.",
        ),
    ),
    "connection-closed": LongForm(
        "The connection ended before a whole reply came. A mail counts as sent only with its complete "
        "final reply, so the alert is kept and sent again, with the same Message-ID.",
        (
            "Wait.",
            "If it lasts, a firewall or a proxy between board and server may cut connections to mail ports.",
        ),
    ),
    "no-password-auth": LongForm(
        "After EHLO the server lists the ways to sign in, and neither LOGIN nor PLAIN is among them.",
        (
            "If this server needs no sign-in, set auth to none.",
            "If it does, use its submission port, 587: port 25 often takes no sign-in.",
            "If only XOAUTH2 is listed, passwords are turned off there.",
        ),
        (),
        (RFC + "rfc4954.html",),
    ),
    "recipient-count": LongForm(
        "An alert goes to at least one recipient, and to no more than a server must take in one message.",
        ("Write to a distribution group, which has one address.",),
        (),
        (RFC + "rfc5321.html#section-4.5.3.1.8",),
    ),
    "control-character": LongForm(
        "A line break in an address or name would begin a second command, so nothing was sent at all. "
        "The settings file is checked for this; the character came in another way, or from an older "
        "file.",
        (
            "Correct the address or name in mote.toml.",
            "Provision the board again.",
        ),
    ),
    "starttls-missing": LongForm(
        "The settings require TLS and the server did not offer it. smtp.office365.com always does: if "
        "that is the host, something between board and server removed the offer, and would have read the "
        "password.",
        (
            _HOST_AND_PORT,
            "Exempt the board from SMTP inspection in the firewall.",
            'For a relay of your own without TLS, set tls = "none", if the network is yours alone.',
        ),
        (),
        (RFC + "rfc3207.html#section-6",),
    ),
    "starttls-injection": LongForm(
        "Between the server's consent to TLS and the handshake, more text arrived in clear. It would "
        "have been taken for replies over TLS: a known attack, or a server that is broken in a way that "
        "invites it.",
        (
            "Find out what sits between board and server.",
            "If the server is yours, update it.",
        ),
        (),
        (RFC + "rfc3207.html#section-6",),
    ),
    "auth-needs-tls": LongForm(
        "A password sent without TLS can be read by everyone on the way, so the board never does it.",
        (
            'Set tls to "required".',
            "If the server has no TLS, let it know the board by its address instead.",
        ),
    ),
    "certificate-refused": LongForm(
        "The server showed a certificate that does not prove that it is the host in the settings: it is "
        "expired or not valid yet, made out to another name, or signed by an authority that the board "
        "does not know. The text of the error says which.",
        (
            "Check that the board's clock is right: a wrong date makes good certificates look bad.",
            "Check that host in mote.toml is the name in the certificate; to dial another address, use "
            "connect_to.",
            "If a firewall opens TLS, it shows a certificate of its own: exempt the board.",
            "If the server is yours, provision its CA certificate with the board.",
        ),
    ),
    "tls-failed": LongForm(
        "The handshake failed before a certificate could be judged. Nothing was sent in clear.",
        (
            _HOST_AND_PORT,
            "The server must speak TLS 1.2 or newer with ECDHE and AES-GCM.",
            "The board tries again, in case it was a passing fault.",
        ),
    ),
    "clock-not-set": LongForm(
        "After power-on a board believes that it is the year 2000, and every certificate seems to lie in "
        "the future. It waits for the time and keeps the alert.",
        (
            "Let UDP port 123 out of the network, or name an NTP server of the site.",
            "Provisioning sets the clock too.",
        ),
    ),
    "no-ca": LongForm(
        "The board verifies every server with CA certificates in its folder ca, and there is none.",
        ("Provision the board again.",),
    ),
    "timeout": LongForm(
        "The server took the connection and then did not answer within the time that RFC 5321 gives it, "
        "which is minutes.",
        (
            "Wait.",
            "If it lasts, test from another computer of the same network.",
        ),
        (),
        (RFC + "rfc5321.html#section-4.5.3.2",),
    ),
    "no-answer": LongForm(
        "Nothing answered at that address and port: the packets were dropped on the way. Many providers "
        "and company networks do this with port 25.",
        (
            "Test from a computer of the same network: nc -vz <host> <port>.",
            "Ask the provider or the network's administrator to open the port.",
            "Client submission on port 587 is rarely blocked.",
        ),
    ),
    "connection-refused": LongForm(
        "The address was reached, and no program listens on that port.",
        (
            _HOST_AND_PORT,
            "If the server is yours, see that it runs and listens on the network.",
        ),
    ),
    "connection-reset": LongForm(
        "The other side, or something in between, tore the connection down in the middle. What was not "
        "accepted with a complete final reply is kept and sent again.",
        (
            "Wait.",
            "If it lasts, a firewall may reset connections to mail ports.",
        ),
    ),
    "unreachable": LongForm(
        "The name could not be resolved or the network has no way to it. The number is the network stack's.",
        (
            "Check that the Wi-Fi has access to the Internet.",
            "Check the name of the host in mote.toml for a typing error.",
            "See that the DNS server that the network hands out answers.",
        ),
    ),
    "no-memory": LongForm(
        "Sending needs a few pieces of memory at once, for TLS above all, and the board could not find them. "
        "The alert is kept.",
        (
            "Wait: what was in the way may be gone at the next attempt.",
            "If it lasts, use fewer sensors and alarms, or a board with SPIRAM.",
        ),
    ),
    "secret-missing": LongForm(
        "The settings name a secret that the board's store does not have: it was never provisioned, or "
        "the flash was erased since.",
        ("Provision the board again.",),
    ),
    "outbox-full": LongForm(
        "So many alerts wait for the mail server that no more are taken. Those that wait are safe.",
        ("Let the board reach the mail server: its console says what is in the way.",),
    ),
    "flash-unreadable": LongForm(
        "Reading a waiting alert from the flash failed. It stays where it is; the others are sent.",
        (
            "Wait: it is read again at the next attempt.",
            "If it lasts, the flash is worn: replace the board.",
        ),
    ),
    "flash-failed": LongForm(
        "Writing to the flash failed: it is full, or at its end. The alert is held in memory and stored "
        "as soon as there is room, but a power cut would lose it.",
        (
            "Remove files from the board.",
            "If there is room, the flash is worn: replace the board.",
        ),
    ),
}
