"""Signing in and TLS."""

from .form import LongForm
from .pages import (
    BASIC_AUTH,
    DEVICES_FAIL,
    LEGACY_AUTH,
    LOCKOUT,
    OAUTH,
    REFUSALS,
    RFC,
    SECURITY_DEFAULTS,
    SMTP_AUTH,
    THREE_WAYS,
)

_ENABLE_SMTP_AUTH = "Set-CASMailbox -Identity <mailbox> -SmtpClientAuthenticationDisabled $false"
_SHOW_SMTP_AUTH = "Get-CASMailbox -Identity <mailbox> | Format-List SmtpClientAuthenticationDisabled"

LONG_FORMS = {
    "smtp-auth-disabled-tenant": LongForm(
        "The organisation has turned SMTP AUTH off; organisations made since January 2020 begin so. The "
        "switch refuses OAuth as well as passwords. A mailbox's own setting overrides it.",
        (
            "Turn SMTP AUTH on for the one mailbox that the boards use; leave the organisation's switch as "
            "it is.",
            "Then let the board try again; a change may need some minutes to spread.",
        ),
        (
            _ENABLE_SMTP_AUTH,
            "Get-TransportConfig | Format-List SmtpClientAuthenticationDisabled",
            _SHOW_SMTP_AUTH,
        ),
        (SMTP_AUTH, "https://aka.ms/smtp_auth_disabled"),
    ),
    "smtp-auth-disabled-mailbox": LongForm(
        "SMTP AUTH is off for this mailbox, whatever the organisation's switch says. It refuses OAuth as "
        "well as passwords.",
        (
            "Turn it on: the command below, or in the Microsoft 365 admin center: Users, the user, Mail, "
            "Manage email apps, Authenticated SMTP.",
            "Then let the board try again; a change may need some minutes to spread.",
        ),
        (_ENABLE_SMTP_AUTH, _SHOW_SMTP_AUTH),
        (SMTP_AUTH, "https://aka.ms/smtp_auth_disabled"),
    ),
    "basic-auth-disabled": LongForm(
        "An authentication policy, or Microsoft's retirement of passwords for SMTP AUTH, refuses to sign "
        "in with a password. Microsoft lets it be unchanged until the end of December 2026, then turns it "
        "off by default, and will name the final date in the second half of 2027. The password itself may "
        "be right.",
        (
            "Move to OAuth: it is what lasts.",
            "Until then, give the mailbox an authentication policy that allows passwords for SMTP.",
            "Or send without a sign-in: option direct-send (inside the organisation) or smtp-relay "
            "(anywhere).",
        ),
        (
            "Get-User <mailbox> | Format-List AuthenticationPolicy",
            "New-AuthenticationPolicy -Name mailmote -AllowBasicAuthSmtp",
            "Set-User <mailbox> -AuthenticationPolicy mailmote",
        ),
        (BASIC_AUTH, OAUTH),
    ),
    "basic-auth-retired": LongForm(
        "Exchange Online no longer takes a password for client submission from anyone. No setting brings "
        "it back.",
        (
            "Move to OAuth with option client-submission.",
            "Or send without a sign-in: option direct-send (inside the organisation) or smtp-relay "
            "(anywhere).",
        ),
        (),
        (BASIC_AUTH, OAUTH, THREE_WAYS),
    ),
    "wrong-password": LongForm(
        "The sign-in reached Microsoft Entra and failed for the user name or the password. An expired "
        "password, a mailbox of a federated domain, and an account that must use multi-factor "
        "authentication can read so too.",
        (
            "Sign in at https://outlook.office.com with the same user name and password. If it asks for a "
            "second factor, a password will not do for SMTP: use OAuth.",
            "Compare username in [mail] with the sign-in name: it is the user principal name, not an alias.",
            "Store the password on the board again.",
            "If it still fails, look the attempt up in the Entra sign-in logs: they tell the exact error.",
        ),
        (),
        (SMTP_AUTH, DEVICES_FAIL),
    ),
    "security-defaults": LongForm(
        "Security Defaults are on. They block every sign-in that cannot do multi-factor authentication, so a "
        "password over SMTP is refused, however right it is.",
        (
            "Use OAuth: Security Defaults allow it.",
            "Or send without a sign-in: option direct-send (inside the organisation) or smtp-relay "
            "(anywhere).",
            "Turning Security Defaults off weakens every account of the organisation; do it only to "
            "replace them by Conditional Access policies.",
        ),
        (),
        (SECURITY_DEFAULTS, THREE_WAYS),
    ),
    "conditional-access": LongForm(
        "A Conditional Access policy refused the sign-in: most often the one that blocks legacy "
        "authentication, or one that wants a known place or device.",
        (
            "In entra.microsoft.com open Sign-in logs, find the attempt (client app: Authenticated SMTP), "
            "and read its tab Conditional Access: it names the policy.",
            "Exclude the boards' mailbox from that policy, or allow the site's public address in it.",
            "Or use OAuth, if the policy only blocks legacy authentication.",
        ),
        (),
        (LEGACY_AUTH,),
    ),
    "account-locked": LongForm(
        "Entra's smart lockout has locked the account after repeated failures. Each further failure, from "
        "any device, makes the lock longer. mailmote therefore waits rather than hammers, and keeps every "
        "alert.",
        (
            "Find every device that signs in with this account, and stop those with an old password.",
            "Store the right password on the board.",
            "Wait until the lock has ended: a minute at first, longer each time.",
            "If failures come from addresses you do not know, change the password: someone is guessing.",
        ),
        (),
        (LOCKOUT,),
    ),
    "sign-in-blocked": LongForm(
        "Exchange Online refused the sign-in with 5.7.139 and a reason that mailmote has no row for. The "
        "reply's own text is the reason; the Entra sign-in logs have more.",
        (
            "Read the reply up to the bracket.",
            "In entra.microsoft.com open Sign-in logs and find the attempt by mailbox and time.",
            "Check that SMTP AUTH is on for the mailbox.",
        ),
        (_SHOW_SMTP_AUTH,),
        (SMTP_AUTH, REFUSALS),
    ),
    "bad-token": LongForm(
        "A bare 535 5.7.3 is what Exchange Online says of an OAuth sign-in that failed, whatever the "
        "reason: the token is expired or has another scope, the service principal is not registered or "
        "with the wrong object id, the mailbox lacks the permission, or SMTP AUTH is off.",
        (
            "Check that SMTP AUTH is on for the mailbox.",
            "Check the scope: https://outlook.office.com/SMTP.Send for a user, "
            "https://outlook.office365.com/.default with the application permission SMTP.SendAsApp for an "
            "application, with the administrator's consent.",
            "For an application, register the service principal with the object id of the enterprise "
            "application, not of the app registration, and give it FullAccess to the mailbox.",
            "Allow an hour for permissions to spread.",
        ),
        (
            _ENABLE_SMTP_AUTH,
            "Get-ServicePrincipal | Format-List DisplayName, AppId, ObjectId",
            "New-ServicePrincipal -AppId <application id> -ObjectId <object id of the enterprise "
            "application>",
            "Add-MailboxPermission -Identity <mailbox> -User <service principal> -AccessRights FullAccess",
        ),
        (OAUTH,),
    ),
    "unrecognized-auth": LongForm(
        "The server does not know the AUTH mechanism. Exchange Online knows LOGIN and XOAUTH2 only, and "
        "PLAIN not at all; mailmote takes what the server offers, so another server, or a proxy, may have "
        "answered.",
        (
            "Check host: for client submission it is smtp.office365.com.",
            "If it is your own relay, let it offer LOGIN or PLAIN over TLS.",
        ),
        (),
        (SMTP_AUTH, RFC + "rfc4954.html"),
    ),
    "starttls-required": LongForm(
        "The server wants TLS before it takes mail or a sign-in, and the board sent in clear.",
        ('Set tls = "required" in [mail]: the board then asks for STARTTLS and checks the certificate.',),
        (),
        (THREE_WAYS, RFC + "rfc3207.html"),
    ),
    "not-authenticated": LongForm(
        "smtp.office365.com takes mail only after a sign-in; so does many another submission server. The "
        "board sent MAIL without one, or the sign-in before it failed.",
        (
            "With option client-submission: set auth and username, and store the password or the OAuth "
            "grant.",
            "To send without a sign-in, use option direct-send or smtp-relay: they send to the "
            "organisation's MX endpoint on port 25, not to smtp.office365.com.",
        ),
        (),
        (THREE_WAYS, DEVICES_FAIL),
    ),
    "smtputf8-refused": LongForm(
        "Exchange Online advertises SMTPUTF8 and then answers 502 to a MAIL FROM that uses it, so "
        "addresses with characters outside ASCII cannot be sent.",
        ("Use an address of plain letters in from; names in the headers may have any characters.",),
    ),
    "unknown-command": LongForm(
        "The server got a command that it does not know. mailmote sends only what the server offers, so a "
        "device in between that inspects SMTP (some firewalls turn commands into XXXX) is the likely cause.",
        (
            "Turn SMTP inspection (also named fixup, ALG or application layer gateway) off for the board.",
            "If nothing is in between, update the firmware and report the transcript.",
        ),
        (),
        (RFC + "rfc5321.html",),
    ),
    "old-tls": LongForm(
        "The connection came with TLS 1.0 or 1.1. MicroPython's TLS library refuses those itself from "
        "mbedTLS 3 on, so the image is very old, or a proxy opens the TLS connection in the board's place.",
        (
            "Flash a current MicroPython image (1.24 or newer).",
            "If it is current, let the board past the TLS proxy: mail through one is readable to it.",
        ),
        (),
        ("https://aka.ms/smtp_auth_tls",),
    ),
    "temporary-server-error": LongForm(
        "A server of Exchange Online has a fault of its own. It passes, mostly within minutes; mailmote "
        "keeps the alert and tries again, ever more slowly.",
        ("Wait.", "If it lasts for hours, look at the service health in the Microsoft 365 admin center."),
        (),
        ("https://status.cloud.microsoft",),
    ),
    "idle": LongForm(
        "The server waited for the board and closed. The mail was not taken; mailmote tries again at once, "
        "on a new connection. Once is a hiccup of the network; again and again, packets are lost between "
        "board and server.",
        ("Look at the board's Wi-Fi signal; move it or the access point.", "Check the site's connection."),
        (),
        (RFC + "rfc5321.html#section-4.5.3.2",),
    ),
}
