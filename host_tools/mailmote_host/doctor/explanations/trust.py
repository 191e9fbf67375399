"""What the board finds wrong with TLS: the certificate, the clock, the CA certificates, the room for it."""

from .form import HOST_AND_PORT, LongForm
from .pages import RFC

LONG_FORMS = {
    "starttls-missing": LongForm(
        "The settings require TLS and the server did not offer it. smtp.office365.com always does: if "
        "that is the host, something between board and server removed the offer, and would have read the "
        "password.",
        (
            HOST_AND_PORT,
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
        "The server showed a certificate that does not prove that it is the host in the settings, for a "
        "reason that is none of the usual ones. The text of the error has the words of the TLS library.",
        (
            "Check that the board's clock is right: a wrong date makes good certificates look bad.",
            "Check that host in mote.toml is the name in the certificate; to dial another address, use "
            "connect_to.",
            "If a firewall opens TLS, it shows a certificate of its own: exempt the board.",
            "If the server is yours, provision its CA certificate with the board.",
        ),
    ),
    "certificate-untrusted": LongForm(
        "A certificate counts when a chain of signatures leads from it to a CA certificate on the board, and "
        "this one has no such chain: it signed itself, it comes from a CA that the board does not have, the "
        "server leaves out an intermediate certificate, or a certificate in the chain is not allowed to sign "
        "others. The TLS library of a board cannot tell these apart.",
        (
            "If host is a server of Microsoft 365, something on the way opens TLS and shows a certificate of "
            "its own: exempt the board in that firewall.",
            "If the server is yours, set ca in mote.toml to the file with its CA certificate, and provision.",
            "See what the server shows: openssl s_client -connect <host>:<port> -starttls smtp -showcerts.",
            "If it shows its own certificate only, let it send the intermediate certificate along.",
        ),
        (),
        (RFC + "rfc5280.html#section-6",),
    ),
    "certificate-weak": LongForm(
        "Signatures with SHA-1 and RSA keys below 2048 bits can be forged with money, so the board takes "
        "neither, as browsers do.",
        (
            "Let whoever runs the server renew the certificate, signed with SHA-256, with a key of RSA 2048 "
            "or ECDSA P-256.",
        ),
    ),
    "certificate-usage": LongForm(
        "A certificate says what it may be used for. The one that the server shows is for something else, "
        "mostly for a client to show.",
        (
            "Let whoever runs the server renew the certificate, with the extended key usage "
            "serverAuth (server authentication).",
        ),
        (),
        (RFC + "rfc5280.html#section-4.2.1.12",),
    ),
    "certificate-expired": LongForm(
        "The last day of the certificate is over, by the clock of the board. An expired certificate may be "
        "one that was stolen and revoked long ago.",
        (
            "If the time in the error is wrong, let the board reach an NTP server, then wait for the next "
            "try.",
            "If it is right, let whoever runs the server renew the certificate.",
            "If a test on a computer shows a valid one, something between board and server answers in its "
            "place.",
        ),
    ),
    "certificate-not-yet-valid": LongForm(
        "The first day of the certificate is still to come, by the clock of the board. Mostly the clock is "
        "behind: it is tried again, and succeeds once the time is right.",
        (
            "Let UDP port 123 out of the network, or name an NTP server of the site.",
            "Provisioning sets the clock too.",
            "If the time in the error is right, the clock of the server's authority was wrong: let whoever "
            "runs the server renew the certificate.",
        ),
    ),
    "certificate-wrong-host": LongForm(
        "The certificate is good, but for another name than host in the settings: whoever answers is someone "
        "else, or the server is known by a name that differs from the one in its certificate.",
        (
            "Set host in mote.toml to a name in the certificate, then provision again.",
            "To dial an address that is in no certificate, keep that name in host, and put the address into "
            "connect_to.",
            "See the names: openssl s_client -connect <host>:<port> -starttls smtp.",
        ),
        (),
        (RFC + "rfc6125.html#section-6",),
    ),
    "identity-unusable": LongForm(
        "The relay by certificate shows a certificate of the board. What the board's store has for it is no "
        "certificate in PEM, no key in PEM, or a key of another certificate.",
        (
            "Put the board's certificate first into the file, then each intermediate certificate: Exchange "
            "Online wants the whole chain.",
            "Remove the passphrase of the key: openssl pkey -in <key> -out <new key>.",
            "Provision the board again.",
        ),
    ),
    "tls-failed": LongForm(
        "The handshake failed before a certificate could be judged. Nothing was sent in clear.",
        (
            HOST_AND_PORT,
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
    "ca-unusable": LongForm(
        "A file in the board's folder ca cannot be read or is no certificate: it was damaged, or put there "
        "by hand. Each file holds one certificate as DER.",
        ("Provision the board again.",),
    ),
    "tls-busy": LongForm(
        "A board has memory for one TLS connection at a time: signing in and sending wait for one another. "
        "The other connection was not over when the wait for it was.",
        (
            "Wait.",
            "If it lasts, see what the log says of the other connection: its server may be very slow.",
        ),
    ),
    "tls-no-room": LongForm(
        "The handshake takes its memory from the part of the ESP32's that Python does not manage, and one "
        "large piece of it in one block. There is too little, or it is in too many pieces, so the handshake "
        "was not begun. The alert is kept.",
        (
            "Wait: what was in the way may be gone at the next attempt.",
            "If it lasts, use fewer sensors and alarms, or a board with SPIRAM.",
        ),
    ),
}
