"""The three ways a device sends mail through Microsoft 365, as data.

Source: "How to set up a multifunction device or application to send email using Microsoft 365 or
Office 365", learn.microsoft.com/exchange/mail-flow-best-practices.
"""

CLIENT_SUBMISSION = "client-submission"
DIRECT_SEND = "direct-send"
SMTP_RELAY = "smtp-relay"

REQUIRED = "required"
OPPORTUNISTIC = "opportunistic"
NO_TLS = "none"
TLS = (REQUIRED, OPPORTUNISTIC, NO_TLS)

PASSWORD = "password"  # noqa: S105 - the name of a way to sign in
NO_AUTH = "none"
AUTH = (PASSWORD, NO_AUTH)
LATER_AUTH = ("oauth-device", "oauth-app")

MX_SUFFIX = ".mail.protection.outlook.com"
SUBMISSION_SUFFIX = ".office365.com"


class Option:
    """One way to send: its defaults, what it allows, and why it allows no more.

    `host` is None where it follows from the From domain (`mx_host`); `suffix` ends the name of Microsoft's
    host, which listens on `ports`. `tls` and `ports` are what may be set, the default first; `auth` is the
    one way to sign in. `rules` has the reason and the fix in words, for "tls", "auth" and "ip" (an IP address
    as the host); a missing one allows it.
    """

    __slots__ = ("name", "host", "suffix", "ports", "tls", "auth", "rules")

    def __init__(self, name, host, suffix, ports, tls, auth, rules):
        self.name = name
        self.host = host
        self.suffix = suffix
        self.ports = ports
        self.tls = tls
        self.auth = auth
        self.rules = rules


# Direct send and SMTP relay are two uses of one server.
_MX_ENDPOINT = {
    "host": None,
    "suffix": MX_SUFFIX,
    "ports": (25,),
    "tls": (OPPORTUNISTIC, REQUIRED, NO_TLS),
    "auth": NO_AUTH,
}

OPTIONS = (
    Option(
        CLIENT_SUBMISSION,
        host="smtp.office365.com",
        suffix=SUBMISSION_SUFFIX,
        ports=(587, 25),
        tls=(REQUIRED,),
        auth=PASSWORD,
        rules={
            "tls": "client submission sends a password, so it always uses TLS (otherwise Microsoft 365 "
            'answers 451 5.7.3). Take the line out, or set tls = "required"',
            "auth": "client submission signs in as a mailbox (Microsoft 365 answers 530 5.7.57 otherwise). "
            "Take the line out, or use option direct-send or smtp-relay",
            "ip": "client submission goes to smtp.office365.com, always by name, for the addresses change "
            "and the certificate names the host. Take the line out; to dial a fixed address all the same, "
            "write it into connect_to",
        },
    ),
    Option(
        DIRECT_SEND,
        **_MX_ENDPOINT,
        rules={
            "auth": "direct send never signs in: the server offers no AUTH. Take the line out, or use option "
            "client-submission",
            "ip": "direct send goes to the tenant's MX endpoint by name (Microsoft 365 answers 451 4.4.62 "
            "otherwise). Take the line out; to dial a fixed address, write it into connect_to",
        },
    ),
    Option(
        SMTP_RELAY,
        **_MX_ENDPOINT,
        rules={
            "auth": "SMTP relay asks for no password: the tenant's connector knows the site by its public "
            "address. Take the line out, or use option client-submission",
        },
    ),
)

NAMES = tuple(option.name for option in OPTIONS)


def named(name):
    """The Option of that name. KeyError where there is none."""
    for option in OPTIONS:
        if option.name == name:
            return option
    raise KeyError(name)


def mx_host(domain):
    """The MX endpoint of a tenant's domain: `contoso.com` gives `contoso-com.mail.protection.outlook.com`.

    None for a domain that has a hyphen of its own. Microsoft does not keep such hyphens as they are but
    changes the name by a rule that is not published (foo-1-bar.com became foo1-bar-com0i); replacing the dots
    alone could name the endpoint of somebody else. The Microsoft 365 admin center shows the right one.
    """
    if "-" in domain:
        return None
    return domain.lower().replace(".", "-") + MX_SUFFIX
