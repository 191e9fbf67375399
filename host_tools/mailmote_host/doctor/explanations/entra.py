"""What Microsoft Entra refuses by an AADSTS number.

https://login.microsoftonline.com/error?code=<number> has Microsoft's own words on each.
"""

from .form import LongForm
from .pages import (
    APP_CREDENTIALS,
    AUTHENTICATION_FLOWS,
    CLIENT_CREDENTIALS,
    CONSENT,
    DEVICE_CODE,
    ENTRA_ERRORS,
    LOCKOUT,
    OAUTH,
    PASSWORD_EXPIRY,
    REFRESH_TOKENS,
    REGISTRATION,
    SIGN_IN_LOGS,
    TENANT_ID,
)

SIGN_IN_AGAIN = (
    "Sign the board in again with `mailmote provision`: it shows an address and a code; sign in there as the "
    "mailbox."
)
ALERTS_ARE_KEPT = (
    "Nothing is lost meanwhile: the board keeps its alerts and sends them after the next sign-in."
)
LOOK_UP = (
    "In entra.microsoft.com open Monitoring & health, Sign-in logs, and find the attempt by the mailbox or "
    "the application and the time; user sign-ins (non-interactive) has the board's own."
)
CONNECT_USERS = "Connect-Entra -Scopes User.ReadWrite.All"
CONNECT_APPLICATIONS = "Connect-Entra -Scopes Application.ReadWrite.All"
SHOW_APPLICATION = "Get-EntraApplication -Filter \"AppId eq '<client id>'\""
ALLOW_PUBLIC_CLIENT = "Set-EntraApplication -ApplicationId <object id> -IsFallbackPublicClient $true"

LONG_FORMS = {
    "aadsts-50034": LongForm(
        "The directory of this tenant has no account of that name. The sign-in name may differ from the mail "
        "address: it is the user principal name.",
        (
            "In entra.microsoft.com open Users and look the mailbox up: its user principal name is what to "
            "sign in with.",
            "Check that tenant in [oauth] is the organisation that the mailbox belongs to.",
        ),
        ("Connect-Entra -Scopes User.Read.All", "Get-EntraUser -UserId <mailbox>"),
        (TENANT_ID, ENTRA_ERRORS),
    ),
    "aadsts-50053": LongForm(
        "Entra's smart lockout has locked the account after repeated failures, or the sign-in came from an "
        "address that Entra holds for malicious. Each further failure makes the lock longer, so the board "
        "tries seldom.",
        (
            "Find every device that signs in with this account, and stop those with an old password.",
            "Wait until the lock has ended: a minute at first, longer each time.",
            LOOK_UP,
            "If failures come from addresses you do not know, change the password: someone is guessing. Then "
            "sign the board in again with `mailmote provision`.",
        ),
        (),
        (LOCKOUT, SIGN_IN_LOGS),
    ),
    "aadsts-50055": LongForm(
        "The password of the account has expired, and with it what was signed in by it.",
        (
            "Sign in at https://outlook.office.com as the mailbox and set a new password.",
            SIGN_IN_AGAIN,
            "An account that only boards use can have a password that does not expire: the commands below, "
            "by an administrator.",
        ),
        (CONNECT_USERS, "Set-EntraUser -UserId <mailbox> -PasswordPolicies DisablePasswordExpiration"),
        (PASSWORD_EXPIRY,),
    ),
    "aadsts-50057": LongForm(
        "The account exists and may not sign in. That of a shared mailbox is made so: nobody signs in as a "
        "shared mailbox, but as a user who has access to it.",
        (
            "If it is a user's mailbox, enable the account: the commands below, by an administrator.",
            "If it is a shared mailbox, leave it disabled: keep username in [mail] as it is, and when "
            "`mailmote provision` shows the code, sign in as a licensed user with Full Access to it.",
        ),
        (CONNECT_USERS, "Set-EntraUser -UserId <mailbox> -AccountEnabled $true"),
        (OAUTH, ENTRA_ERRORS),
    ),
    "aadsts-50076": LongForm(
        "When the board was signed in, a password was enough; now a policy wants a second factor as well, "
        "and the board has none to show. A sign-in with the second factor lasts as any other does.",
        (SIGN_IN_AGAIN, "Confirm the second factor when the browser asks for it.", ALERTS_ARE_KEPT),
        (),
        (DEVICE_CODE, ENTRA_ERRORS),
    ),
    "aadsts-50079": LongForm(
        "A policy wants a second factor, and the account has not registered any.",
        (
            "Sign in at https://aka.ms/mfasetup as the mailbox and register one: an authenticator or a key "
            "that stays with those who look after the boards.",
            SIGN_IN_AGAIN,
        ),
        (),
        (DEVICE_CODE, ENTRA_ERRORS),
    ),
    "aadsts-530032": LongForm(
        "A Conditional Access policy refused the sign-in or its renewal. Common ones block device code flow, "
        "want a managed device, or allow known places only; a board is no managed device.",
        (
            LOOK_UP,
            "Its tab Conditional Access names the policy and the condition.",
            "Let the policy exclude the boards' mailbox, or allow the site's public address in it.",
            "If it blocks device code flow (Conditions, Authentication flows), exclude the mailbox there, or "
            'use auth = "oauth-app", which needs no device code.',
        ),
        (),
        (AUTHENTICATION_FLOWS, SIGN_IN_LOGS),
    ),
    "aadsts-70008": LongForm(
        "The refresh token that the board holds is good for 90 days since its last use, or for less by a "
        "policy of the organisation. The board renews it in time while it has power and network.",
        (SIGN_IN_AGAIN, ALERTS_ARE_KEPT),
        (),
        (REFRESH_TOKENS, ENTRA_ERRORS),
    ),
    "aadsts-700082": LongForm(
        "The refresh token that the board holds was not used for 90 days: the board was off, or without a "
        "network. One that is in use renews it after 60 days at the latest, whether or not there is mail.",
        (SIGN_IN_AGAIN, ALERTS_ARE_KEPT),
        (),
        (REFRESH_TOKENS, ENTRA_ERRORS),
    ),
    "aadsts-50173": LongForm(
        "All sign-ins of the account were ended: its password was changed or reset, or an administrator "
        "revoked its sessions, as one does for a lost board.",
        (
            "Ask why, if you do not know: somebody may have had a reason.",
            SIGN_IN_AGAIN,
            "Every board that uses this mailbox needs it; after the loss of one, give each board a mailbox "
            "of its own.",
        ),
        (),
        (REFRESH_TOKENS, ENTRA_ERRORS),
    ),
    "aadsts-70018": LongForm(
        "The code that was typed, or the one that the tool asked with, is not one that Entra is waiting for. "
        "A code works once.",
        ("Start again with `mailmote provision` and type the new code.",),
        (),
        (DEVICE_CODE,),
    ),
    "aadsts-70019": LongForm(
        "Nobody signed in within the time that the code was good for, mostly 15 minutes.",
        ("Start again with `mailmote provision`, with the browser at hand.",),
        (),
        (DEVICE_CODE,),
    ),
    "aadsts-65001": LongForm(
        "The application may use a mailbox only with consent: that of its owner, or the administrator's for "
        "all. It was never given for these permissions, or was taken back.",
        (
            "Sign in again with `mailmote provision` and accept what the browser shows.",
            "If it asks for an administrator: in entra.microsoft.com open App registrations, the "
            "application, API permissions; see that SMTP.Send of Office 365 Exchange Online is there, as a "
            "delegated permission; then Grant admin consent.",
            "Or let the administrator open "
            "https://login.microsoftonline.com/<tenant>/adminconsent?client_id=<client id> and accept.",
        ),
        (),
        (CONSENT, OAUTH),
    ),
    "aadsts-90094": LongForm(
        "The organisation lets no user consent to this application; an administrator has to.",
        (
            "Administrator: in entra.microsoft.com open App registrations, the application, API permissions, "
            "Grant admin consent.",
            "Or open https://login.microsoftonline.com/<tenant>/adminconsent?client_id=<client id> and "
            "accept.",
            "Then sign the board in again with `mailmote provision`.",
        ),
        (),
        (CONSENT,),
    ),
    "aadsts-700016": LongForm(
        "The application with this client id is not in this tenant: the id has a slip, the tenant is another "
        "one, or the application was deleted.",
        (
            "In entra.microsoft.com open App registrations, All applications, the application, Overview.",
            "Compare client_id in [oauth] with Application (client) ID, not with Object ID.",
            "Compare tenant in [oauth] with Directory (tenant) ID, or use a domain of the organisation.",
            "If there is no application, register one.",
        ),
        (CONNECT_APPLICATIONS, SHOW_APPLICATION),
        (REGISTRATION, TENANT_ID),
    ),
    "aadsts-7000215": LongForm(
        "The application is known; the client secret that the board showed is not one of its own. Most often "
        "the Secret ID was stored in place of the Value, which the page shows only once.",
        (
            "In entra.microsoft.com open App registrations, the application, Certificates & secrets, and "
            "make a new client secret if you do not have the Value.",
            "Store the Value on the board with `mailmote provision`.",
            "Delete the secrets that nobody uses.",
        ),
        (),
        (APP_CREDENTIALS, CLIENT_CREDENTIALS),
    ),
    "aadsts-7000222": LongForm(
        "A client secret lasts for the time chosen when it was made, two years at most, and this one's is "
        "over.",
        (
            "In entra.microsoft.com open App registrations, the application, Certificates & secrets, New "
            "client secret.",
            "Store its Value, not its Secret ID, on every board that uses it: `mailmote provision`.",
            "Note the new end in a calendar that people read.",
        ),
        (),
        (APP_CREDENTIALS,),
    ),
    "aadsts-7000218": LongForm(
        "A board that a person signs in is a public client: it has no secret of the application's. The "
        "application is not allowed to be used so.",
        (
            "In entra.microsoft.com open App registrations, the application, Authentication, Advanced "
            "settings, and set Allow public client flows to Yes; or the commands below.",
            "Then sign the board in again with `mailmote provision`.",
            'For an application that signs in with a secret, set auth = "oauth-app".',
        ),
        (CONNECT_APPLICATIONS, SHOW_APPLICATION, ALLOW_PUBLIC_CLIENT),
        (DEVICE_CODE, REGISTRATION),
    ),
    "aadsts-70011": LongForm(
        "The scope is misspelt, or not of the kind that this way of signing in takes.",
        (
            "Leave scope out of [oauth]: mailmote sets the right one.",
            "If it has to be there: https://outlook.office.com/SMTP.Send offline_access for oauth-device, "
            "https://outlook.office365.com/.default for oauth-app.",
            "Then run `mailmote provision` again.",
        ),
        (),
        (OAUTH,),
    ),
    "aadsts-90002": LongForm(
        "The sign-in service has no tenant of this name or id.",
        (
            "Use a domain of the organisation, as contoso.onmicrosoft.com, or its Directory (tenant) ID: "
            "entra.microsoft.com, Overview.",
            "Clouds of governments and of China have a host of their own: set host in [oauth].",
        ),
        (),
        (TENANT_ID,),
    ),
    "aadsts-900144": LongForm(
        "A field that Entra wants is not in the request; its words name it. The board sends every field, so "
        "one of them is empty in the settings, or a proxy has changed the request.",
        (
            "Check tenant, client_id and scope in [oauth], then run `mailmote provision` again.",
            "If they are right, update the firmware.",
        ),
        (),
        (ENTRA_ERRORS,),
    ),
}
