"""The three ways a device sends mail through Microsoft 365, and two presets, as data.

Sources: "How to set up a multifunction device or application to send email using Microsoft 365 or
Office 365", learn.microsoft.com/exchange/mail-flow-best-practices; "Authenticate an IMAP, POP or SMTP
connection using OAuth", learn.microsoft.com/exchange/client-developer/legacy-protocols; "OAuth authentication
for High Volume Email", learn.microsoft.com/exchange/mail-flow-best-practices/oauth-high-volume-mails-m365;
"Send email with SMTP and XOAuth2" and "Create credentials for SMTP authentication",
learn.microsoft.com/azure/communication-services/quickstarts/email/send-email-smtp.
"""

CLIENT_SUBMISSION = "client-submission"
DIRECT_SEND = "direct-send"
SMTP_RELAY = "smtp-relay"
HIGH_VOLUME_EMAIL = "high-volume-email"
AZURE_COMMUNICATION_SERVICES = "azure-communication-services"

REQUIRED = "required"
OPPORTUNISTIC = "opportunistic"
NO_TLS = "none"
TLS = (REQUIRED, OPPORTUNISTIC, NO_TLS)

OAUTH_DEVICE = "oauth-device"
OAUTH_APP = "oauth-app"
OAUTH = (OAUTH_DEVICE, OAUTH_APP)
PASSWORD = "password"  # noqa: S105 - the name of a way to sign in
CERTIFICATE = "certificate"
NO_AUTH = "none"
AUTH = (OAUTH_DEVICE, OAUTH_APP, PASSWORD, CERTIFICATE, NO_AUTH)

MX_SUFFIX = ".mail.protection.outlook.com"
SUBMISSION_SUFFIX = ".office365.com"


class Option:
    """One way to send: its defaults, what it allows, and why it allows no more.

    `host` is None where it follows from the From domain (`mx_host`); `suffix` ends the name of Microsoft's
    host, which listens on `ports`. `tls`, `ports` and `auth` are what may be set, the default first.
    `inside_only`: it reaches the own organisation only. `scopes`: what a token is asked for, by the way to
    sign in. `rules` has reasons and fixes in words: for "tls", "auth" and "ip" (an IP address as the host),
    where a missing one allows it; for "from", where the username is an address, which From is to be; for
    "username", where it must be written; and for each way with OAuth, how to register the application.
    """

    __slots__ = ("name", "host", "suffix", "ports", "tls", "auth", "inside_only", "scopes", "rules")

    def __init__(self, name, host, suffix, ports, tls, auth, rules, inside_only=False, scopes=None):
        self.name = name
        self.host = host
        self.suffix = suffix
        self.ports = ports
        self.tls = tls
        self.auth = auth
        self.inside_only = inside_only
        self.scopes = scopes or {}
        self.rules = rules

    @property
    def signs_in(self):
        """True where the server asks who is there."""
        return NO_AUTH not in self.auth


# Direct send and SMTP relay are two uses of one server.
_MX_ENDPOINT = {"host": None, "suffix": MX_SUFFIX, "ports": (25,), "tls": (OPPORTUNISTIC, REQUIRED, NO_TLS)}

_ALWAYS_BY_NAME = (
    "%s, always by name, for the addresses change and the certificate names the host. Take the line out; to "
    "dial a fixed address all the same, write it into connect_to"
)

OPTIONS = (
    Option(
        CLIENT_SUBMISSION,
        host="smtp.office365.com",
        suffix=SUBMISSION_SUFFIX,
        ports=(587, 25),
        tls=(REQUIRED,),
        auth=(OAUTH_DEVICE, OAUTH_APP, PASSWORD),
        scopes={
            OAUTH_DEVICE: "https://outlook.office.com/SMTP.Send offline_access",
            OAUTH_APP: "https://outlook.office365.com/.default",
        },
        rules={
            "tls": "client submission sends a password or a token, so it always uses TLS (otherwise "
            'Microsoft 365 answers 451 5.7.3). Take the line out, or set tls = "required"',
            "auth": "client submission signs in as a mailbox (Microsoft 365 answers 530 5.7.57 otherwise). "
            "Take the line out, or use option direct-send or smtp-relay",
            "ip": "client submission goes to " + _ALWAYS_BY_NAME % "smtp.office365.com",
            "from": "Exchange refuses the mail (554 5.2.252 SendAsDenied) unless %s may Send As it. Write "
            "from = %s, or have an administrator grant Send As",
            OAUTH_DEVICE: 'Register an application in Entra ID, with "Allow public client flows" on and the '
            'delegated permission SMTP.Send. auth = "password" works while Microsoft allows it',
            OAUTH_APP: "Register an application in Entra ID, with the application permission SMTP.SendAsApp "
            "and admin consent; then run New-ServicePrincipal and Add-MailboxPermission (FullAccess) in "
            'Exchange Online. auth = "password" works while Microsoft allows it',
        },
    ),
    Option(
        DIRECT_SEND,
        **_MX_ENDPOINT,
        auth=(NO_AUTH,),
        inside_only=True,
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
        auth=(NO_AUTH, CERTIFICATE),
        rules={
            "auth": "SMTP relay asks for no password: the tenant's connector knows the site by its public "
            'address, or by a certificate (auth = "certificate"). Take the line out, or use option '
            "client-submission",
        },
    ),
)

PRESETS = (
    Option(
        HIGH_VOLUME_EMAIL,
        host="smtp.hve.mx.microsoft",
        suffix=".hve.mx.microsoft",
        ports=(587,),
        tls=(REQUIRED,),
        # Microsoft publishes no scope for the device code flow here.
        auth=(PASSWORD, OAUTH_APP),
        inside_only=True,
        scopes={OAUTH_APP: "https://outlook.office.com/.default"},
        rules={
            "tls": "High Volume Email sends a password or a token, so it always uses TLS. Take the line out, "
            'or set tls = "required"',
            "auth": 'High Volume Email signs in as an account of its own: use auth = "password" or '
            '"oauth-app"',
            "ip": "High Volume Email goes to " + _ALWAYS_BY_NAME % "smtp.hve.mx.microsoft",
            "from": "High Volume Email sends as %s only. Write from = %s",
            OAUTH_APP: "Register an application in Entra ID, with the application permission Mail.Send of "
            "Office 365 Exchange Online and admin consent; then allow it with Add-HVEAppAccess. "
            'auth = "password" does without',
        },
    ),
    Option(
        AZURE_COMMUNICATION_SERVICES,
        host="smtp.azurecomm.net",
        suffix=".azurecomm.net",
        ports=(587, 25),
        tls=(REQUIRED,),
        auth=(PASSWORD, OAUTH_APP),
        scopes={OAUTH_APP: "https://communication.azure.com/.default"},
        rules={
            "tls": "Azure Communication Services sends a secret or a token, so it always uses TLS. Take the "
            'line out, or set tls = "required"',
            "auth": "Azure Communication Services signs in as an application of Entra ID: use "
            'auth = "password" (its client secret) or "oauth-app"',
            "ip": "Azure Communication Services goes to " + _ALWAYS_BY_NAME % "smtp.azurecomm.net",
            "username": 'is missing: write an SMTP username of the resource, or "<resource>|<application ID>|'
            '<tenant ID>"',
            OAUTH_APP: "Use the application of the SMTP username; it needs the role Communication and Email "
            'Service Owner on the resource. auth = "password" takes its client secret alone',
        },
    ),
)

_ALL = OPTIONS + PRESETS
NAMES = tuple(option.name for option in _ALL)


def named(name):
    """The Option of that name. KeyError where there is none."""
    for option in _ALL:
        if option.name == name:
            return option
    raise KeyError(name)


def of_host(host):
    """The Option whose server is of that name at Microsoft, or None: two options share the MX endpoint."""
    for option in _ALL:
        if host.endswith(option.suffix):
            return option
    return None


def mx_host(domain):
    """The MX endpoint of a tenant's domain: `contoso.com` gives `contoso-com.mail.protection.outlook.com`.

    None for a domain that has a hyphen of its own. Microsoft does not keep such hyphens as they are but
    changes the name by a rule that is not published (foo-1-bar.com became foo1-bar-com0i); replacing the dots
    alone could name the endpoint of somebody else. The Microsoft 365 admin center shows the right one.
    """
    if "-" in domain:
        return None
    return domain.lower().replace(".", "-") + MX_SUFFIX
