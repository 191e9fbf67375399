"""What the board finds wrong itself, before or without a reply that refuses."""

from .form import HOST_AND_PORT, LongForm
from .pages import RFC

LONG_FORMS = {
    "reply-too-long": LongForm(
        "A reply of SMTP has a line or a few; this one went past every bound, and the board stopped "
        "reading before its memory was full.",
        (
            HOST_AND_PORT,
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
            HOST_AND_PORT,
            "The board tries again, in case it was a passing fault.",
        ),
        (),
        (RFC + "rfc5321.html#section-4.2",),
    ),
    "early-reply": LongForm(
        "The server answered before it was asked. Replies and commands would no longer belong together, "
        "so the board ended the connection; whatever was accepted before that stays accepted.",
        (
            HOST_AND_PORT,
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
    "no-oauth": LongForm(
        "After EHLO the server lists the ways to sign in, and XOAUTH2 is not among them. Exchange Online "
        "lists it once the connection is a TLS one.",
        (
            "Check host: client submission goes to smtp.office365.com.",
            "If host is right, something on the way answers in its place: see what its certificate says.",
            "A site's own relay mostly takes passwords: set auth to password.",
        ),
        (),
        (RFC + "rfc4954.html",),
    ),
    "token-unusable": LongForm(
        "An access token is one word of letters, digits and marks, 2 to 4 kB long. What came in its place is "
        "longer, empty, or has characters that would not pass through SMTP.",
        (
            "See that host in [oauth] is right: login.microsoftonline.com for most tenants.",
            "Bypass a proxy that inspects TLS: it may rewrite what passes.",
        ),
        (),
        (RFC + "rfc6749.html",),
    ),
    "http-unusable": LongForm(
        "The board asks the sign-in service for a token over HTTPS. What came back is no HTTP/1.1 answer, "
        "longer than any of that service, or does not say how long it is, so that half of it would pass for "
        "the whole.",
        (
            "See that host in [oauth] is right: login.microsoftonline.com for most tenants.",
            "Exempt the board from a proxy that inspects TLS.",
        ),
        (),
        (RFC + "rfc9112.html",),
    ),
    "http-redirected": LongForm(
        "The sign-in service never redirects a request for a token. Who does so sits in between, or is "
        "another server. The request holds a secret, so the board does not follow.",
        (
            "On a guest network, let the board through without its sign-in page.",
            "See that host and tenant in [oauth] are right.",
        ),
        (),
        (RFC + "rfc9110.html",),
    ),
    "recipient-count": LongForm(
        "An alert goes to at least one recipient, and to no more than a server must take in one message.",
        ("Write to a distribution group, which has one address.",),
        (),
        (RFC + "rfc5321.html#section-4.5.3.1.8",),
    ),
    "control-character": LongForm(
        "A line break in an address or name would begin a second command, or another line of a request, so "
        "nothing was sent at all. The settings file is checked for this; the character came in another way, "
        "or from an older file.",
        (
            "Correct the address or name in mote.toml.",
            "Provision the board again.",
        ),
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
            HOST_AND_PORT,
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
    "secret-unknown": LongForm(
        "The board keeps passwords, tokens and keys under fixed names, which are told in docs/security.md.",
        ("Correct the name.", "Update host tools and firmware if they differ."),
    ),
    "secret-size": LongForm(
        "A secret is never empty. The largest is a certificate with its chain, about 4 kB as PEM.",
        (
            "Hand over the certificate with its intermediates, but without the root.",
            "See that the file or the prompt did not give an empty line.",
        ),
    ),
    "secret-not-stored": LongForm(
        "Each secret is read back after it was written. Here the flash did not take it, or gave back "
        "something else. The secret that was there before is kept, as far as the flash allows.",
        (
            "Remove files that the board does not need.",
            "Erase and flash the board again.",
            "Replace the board.",
        ),
    ),
    "secrets-readable": LongForm(
        "Where mailmote runs on a computer, its secrets are files in the folder secrets. It uses that folder "
        "only if its owner alone can look into it.",
        ("Run chmod 700 secrets, or start with umask 077 and let mailmote make the folder.",),
    ),
    "outbox-full": LongForm(
        "So many alerts of so many alarms wait for the mail server that no more are taken, and none of them "
        "can be merged. Those that wait are safe.",
        ("Let the board reach the mail server: its console says what is in the way.",),
    ),
    "expired": LongForm(
        "With expire_after in [retry], the board gives up an alert that has waited for so long. It is in "
        "refused/ with the last failure, and the next mail that gets through tells of it.",
        (
            "See in the failure why mail could not leave, and mend that first.",
            "Tell those concerned yourself.",
            "Without expire_after the board never gives up.",
        ),
    ),
    "recipients-used-up": LongForm(
        "A mailbox of Exchange Online may send to 10,000 recipients in 24 hours, each recipient of each mail "
        "counted. The board keeps to its part of that, recipients_per_day in [limits], lest the mailbox be "
        "blocked. Its alerts wait, and go out together as the 24 hours pass.",
        (
            "Find out which alarm tells so often: for, clear and changes_per_hour hold it back.",
            "Write to one distribution group in place of many recipients.",
            "Raise recipients_per_day if the mailbox sends for few other boards.",
        ),
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
