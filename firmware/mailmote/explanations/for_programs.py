"""What puts a fault right in a program of one's own (umail): such a program has no mote.toml, and tries again
by itself only if it was written so. The causes are those of the table.

It is loaded for one look-up and let go, as the parts of the table are.
"""

from . import explain

_AGAIN = "Nothing to do: it is tried again"

# fmt: off
_FIXES = {
    # The server
    "no-password-auth":
        "Use the server's submission port, 587. If it takes tokens only: login(username, token=...).",
    "no-oauth":
        "Check host: smtp.office365.com takes tokens. Elsewhere, log in with a password.",
    "control-character":
        "Correct the address. The form is name@example.com, without a blank or angle brackets.",
    "wrong-password":
        "Try both at https://outlook.office.com, then correct them in the program.",
    "unrecognized-auth":
        "Check host and port: this server may know the sender by its address, without login().",
    "starttls-required":
        "Check host and port: the server did not offer STARTTLS, or something on the network removed it.",
    "not-authenticated":
        "Pass username and password, or call login() before to().",
    "unknown-command":
        "Turn SMTP inspection off for this board in the firewall.",
    "sender-refused":
        "Check mail_from, and whether the server wants a login.",
    "smtputf8-refused":
        "Use an address of plain letters as mail_from.",
    "send-as-denied":
        "Set mail_from to the user name, or, Administrator: Add-RecipientPermission <mail_from> "
        "-Trustee <username> -AccessRights SendAs.",
    "no-from-header":
        "Begin the message with a line From: name@example.com.",
    "greylisted":
        "Send it again in some minutes.",
    "recipient-quota":
        "Send it again as the 24 hours pass. Find what sends so much, or use another mailbox.",
    "external-recipient-quota":
        "Send it again as the 24 hours pass, or send to recipients inside the organisation.",
    "external-recipient-quota-trial":
        "Send to recipients inside the organisation, or buy a licence.",
    "ipv6-unauthenticated":
        "Add ip6:<address> to the SPF record, or use the login of port 587.",
    "reverse-dns-missing":
        "Ask the provider for a PTR record, or use the login of port 587.",
    "ipv6-refused":
        "Use the login of port 587, or, Administrator: ask Microsoft support to allow IPv6.",

    # TLS
    "auth-needs-tls":
        "Use port 587, or 465 with ssl=True. If the port is right, something on the network removes TLS.",
    "certificate-refused":
        "Check the board's clock, that /ca.pem has the root of the server's CA, and that host is its name.",
    "certificate-untrusted":
        "Put the root of the server's CA into /ca.pem. If a firewall opens TLS, exempt the board.",
    "certificate-expired":
        "Let whoever runs the server renew it. If the time is wrong, set it: ntptime.settime().",
    "certificate-not-yet-valid":
        "The clock may be behind. Set it first: import ntptime; ntptime.settime().",
    "certificate-wrong-host":
        "Give as host a name in the certificate: the server's own, not an alias and not an IP address.",
    "tls-failed":
        "Check host and port: 465 wants ssl=True, 587 and 25 do not.",
    "clock-not-set":
        "Set it first: import ntptime; ntptime.settime(). It needs the Wi-Fi and UDP port 123.",
    "no-ca":
        "Save the root of the server's CA as PEM (for Microsoft 365: DigiCert Global Root G2, from "
        "digicert.com), then: mpremote cp root.pem :/ca.pem",
    "ca-unusable":
        "It takes PEM text (-----BEGIN CERTIFICATE-----), and no more roots than needed. Copy it again: "
        "mpremote cp root.pem :/ca.pem",

    # The network and the board
    "connection-refused":
        "Check host and port.",
    "timeout":
        "Try it again: the network or the server is slow or down.",
    "tls-no-room":
        "Try it again. If it lasts, keep fewer objects, or use a board with SPIRAM.",
    "no-memory":
        "Try it again. If it lasts, keep fewer objects, or use a board with SPIRAM.",
}
# fmt: on


def text(error):
    """The text of a MailmoteError, with the fix for a program."""
    fix = explain(error.key)[1]
    if not fix or not error.text.endswith(fix):
        return error.text
    cause = error.text[: len(error.text) - len(fix)]
    return cause + _FIXES.get(error.key, fix.replace(_AGAIN, "Try it again"))
