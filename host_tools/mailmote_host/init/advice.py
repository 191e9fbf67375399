"""Which of the ways to send fits a site, why, and what an administrator does for it. No input, no output.

Source: "How to set up a multifunction device or application to send email using Microsoft 365 or Office 365",
learn.microsoft.com/exchange/mail-flow-best-practices; for the end of passwords "Updated Exchange Online SMTP
AUTH Basic Authentication deprecation timeline", the Exchange team, 27 January 2026.
"""

from typing import NamedTuple

from mailmote.addresses import domain_of
from mailmote.policy import options


class Facts(NamedTuple):
    """`outside`: mail goes to people outside the organisation. `static`: the site has a static public address
    that nobody shares. `signs_in`: the board may sign in, with a licensed mailbox. `strict`: Security
    Defaults or multifactor authentication stand in the way of passwords, or nobody knows. `certificate`: the
    board has a certificate of its own, and does not sign in.
    """

    outside: bool
    static: bool
    signs_in: bool
    strict: bool = True
    certificate: bool = False


class Advice(NamedTuple):
    """`reasons` are two or three sentences."""

    option: str
    auth: str
    reasons: tuple[str, ...]


_EASIEST = (
    "The board may sign in as a mailbox, and client submission is what Microsoft recommends then: it works "
    "from any network, and reaches anybody."
)
_OAUTH_STRICT = (
    "It signs in with OAuth, which Security Defaults and multifactor authentication allow, unlike a "
    "password: somebody signs in once, with a code."
)
_OAUTH = (
    "It signs in with OAuth: somebody does that once, with a code. A password would work for now, but "
    "Microsoft turns passwords off by default at the end of December 2026."
)
_CANNOT = "The board cannot sign in, so the server has to take its mail without."
_INSIDE = "All mail stays in your organisation, and direct send needs no mailbox and no password for that."
_SPF = "Your site's own static address goes into an SPF record, which keeps the mail out of the spam folder."
_NO_SPF = (
    "Your address is not static or not your own, so no SPF record vouches for it, and the mail may be "
    "taken for spam or refused: a mailbox to sign in with would be safer."
)
_RELAY = "Mail goes outside your organisation as well, which only SMTP relay does without signing in."
_BY_ADDRESS = "A connector in your tenant knows the site by its static address."
_HAS_CERTIFICATE = (
    "The board has a certificate of its own: with it a connector in your tenant knows the board from any "
    "address, and SMTP relay reaches anybody."
)
_BY_CERTIFICATE = (
    "Your address is not static or not your own, so a connector can know the board only by a certificate: "
    "a mailbox to sign in with would be easier."
)


def recommend(facts: Facts) -> Advice:
    """The way that fits best."""
    if facts.signs_in:
        reasons = (_EASIEST, _OAUTH_STRICT if facts.strict else _OAUTH)
        return Advice(options.CLIENT_SUBMISSION, options.OAUTH_DEVICE, reasons)
    if facts.certificate:
        return Advice(options.SMTP_RELAY, options.CERTIFICATE, (_CANNOT, _HAS_CERTIFICATE))
    if not facts.outside:
        return Advice(
            options.DIRECT_SEND, options.NO_AUTH, (_CANNOT, _INSIDE, _SPF if facts.static else _NO_SPF)
        )
    if facts.static:
        return Advice(options.SMTP_RELAY, options.NO_AUTH, (_CANNOT, _RELAY, _BY_ADDRESS))
    return Advice(options.SMTP_RELAY, options.CERTIFICATE, (_CANNOT, _RELAY, _BY_CERTIFICATE))


def objections(option: str, auth: str, facts: Facts) -> tuple[str, ...]:
    """What speaks against a way that somebody takes instead, for a site like this."""
    against = []
    if options.named(option).inside_only and facts.outside:
        against.append(f"{option} reaches your own organisation only; mail to others is refused")
    if option == options.DIRECT_SEND and not facts.static:
        against.append("without a static address of your own the mail may be taken for spam or refused")
    if option == options.SMTP_RELAY and auth == options.NO_AUTH and not facts.static:
        against.append(
            "the connector cannot know a site without a static address of its own: use a certificate"
        )
    if option == options.CLIENT_SUBMISSION and not facts.signs_in:
        against.append("client submission needs a licensed mailbox that the board may sign in with")
    if auth == options.PASSWORD and facts.strict and option != options.AZURE_COMMUNICATION_SERVICES:
        against.append("Security Defaults and multifactor authentication refuse a password")
    return tuple(against)


def to_do(option: str, auth: str, sender: str, mailbox: str) -> tuple[str, ...]:
    """What an administrator of the tenant does before the first mail."""
    domain = domain_of(sender)
    if option == options.CLIENT_SUBMISSION:
        return (
            f"Have a licensed mailbox {mailbox} (admin.microsoft.com, Users).",
            "Allow it to send by SMTP, in Exchange Online PowerShell: Set-CASMailbox -Identity "
            f"{mailbox} -SmtpClientAuthenticationDisabled $false",
            *_application(auth, mailbox),
        )
    if option == options.DIRECT_SEND:
        return (
            _spf_record(domain),
            "See that direct send is allowed, in Exchange Online PowerShell: Get-OrganizationConfig | "
            "Format-List RejectDirectSend. True refuses it; then use another option.",
            "Have the site's firewall and provider let port 25 out.",
        )
    if option == options.SMTP_RELAY:
        return _relay(auth, domain)
    if option == options.HIGH_VOLUME_EMAIL:
        return (
            f"Make the High Volume Email account {mailbox} (Exchange admin center, Mail flow, High Volume "
            "Email).",
            *(() if auth == options.PASSWORD else _application_words(option, auth)),
        )
    return (
        "Make a Communication Services resource with an email domain in Azure, and connect the two.",
        f"Make {sender} a MailFrom address of that domain.",
        *_application_words(option, auth),
    )


def _application(auth: str, mailbox: str) -> tuple[str, ...]:
    if auth == options.OAUTH_DEVICE:
        return (
            "Register an application (entra.microsoft.com, App registrations, New registration): under "
            'Authentication turn "Allow public client flows" on, under API permissions add the delegated '
            "permission SMTP.Send and grant admin consent.",
            "Copy its Application (client) ID from the Overview page into mote.toml.",
        )
    if auth == options.OAUTH_APP:
        return (
            "Register an application (entra.microsoft.com, App registrations, New registration): under API "
            "permissions add SMTP.SendAsApp of Office 365 Exchange Online and grant admin consent, under "
            "Certificates & secrets make a client secret.",
            "In Exchange Online PowerShell, with the object ID of the enterprise application: "
            "New-ServicePrincipal -AppId <application ID> -ObjectId <object ID>; then "
            "Add-MailboxPermission "
            f"-Identity {mailbox} -User <object ID> -AccessRights FullAccess",
            "Copy the Application (client) ID from the Overview page into mote.toml.",
        )
    return (
        "Turn Security Defaults off, or exclude the mailbox from multifactor authentication and from "
        "policies that block basic authentication.",
        "Plan for OAuth: passwords are off by default from the end of December 2026.",
    )


def _application_words(option: str, auth: str) -> tuple[str, ...]:
    words = options.named(option).rules.get(options.OAUTH_APP, "")
    return (words.partition('. auth = "password"')[0] + ".",)


def _relay(auth: str, domain: str) -> tuple[str, ...]:
    if auth == options.CERTIFICATE:
        return (
            f"Get a certificate of a public CA that names {domain} or a host of it, for the board.",
            "Make a connector (Exchange admin center, Mail flow, Connectors): from your organization's "
            "email server to Microsoft 365, that verifies the subject name of the certificate.",
            "Have the site's firewall and provider let port 25 out.",
        )
    return (
        "Make a connector (Exchange admin center, Mail flow, Connectors): from your organization's email "
        "server to Microsoft 365, that verifies the site's static public address.",
        _spf_record(domain),
        "Have the site's firewall and provider let port 25 out.",
    )


def _spf_record(domain: str) -> str:
    return (
        f"In the DNS of {domain}, add ip4:<the site's public address> to the one TXT record that begins with "
        "v=spf1, before its other terms, and leave those as they are. Only if there is none, publish: v=spf1 "
        "ip4:<address> include:spf.protection.outlook.com ~all"
    )
