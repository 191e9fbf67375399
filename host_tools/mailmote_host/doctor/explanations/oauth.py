"""What a sign-in service refuses by name or by its HTTP status. An AADSTS number tells more."""

from .entra import (
    ALERTS_ARE_KEPT,
    ALLOW_PUBLIC_CLIENT,
    CONNECT_APPLICATIONS,
    LOOK_UP,
    SHOW_APPLICATION,
    SIGN_IN_AGAIN,
)
from .form import LongForm
from .pages import (
    APP_CREDENTIALS,
    CONSENT,
    DEVICE_CODE,
    ENTRA_ERRORS,
    OAUTH,
    REFRESH_TOKENS,
    REGISTRATION,
    RFC,
    SERVICE_STATUS,
    SIGN_IN_LOGS,
)

_ERRORS = RFC + "rfc6749.html#section-5.2"
_DEVICE_ERRORS = RFC + "rfc8628.html#section-3.5"
_PASTE_MORE = "Paste the whole answer into `mailmote explain`: with the AADSTS number it can say more."
_IF_IT_LASTS = "If it lasts for hours, look at the service health in the Microsoft 365 admin center."

LONG_FORMS = {
    "invalid-grant": LongForm(
        "The refresh token that the board holds is of no use any more: it expired, the sign-in was revoked "
        "or is too old for a policy, or it belongs to another application or tenant.",
        (
            SIGN_IN_AGAIN,
            "If client_id or tenant in [oauth] was changed, that is the reason: a sign-in is of one "
            "application.",
            ALERTS_ARE_KEPT,
            _PASTE_MORE,
        ),
        (),
        (REFRESH_TOKENS, _ERRORS),
    ),
    "invalid-client": LongForm(
        "The sign-in service did not believe that it is the application: the client secret is wrong, missing "
        "or expired, or the client id is another's.",
        (
            "Compare client_id in [oauth] with Application (client) ID: entra.microsoft.com, App "
            "registrations, the application, Overview.",
            "With oauth-app, store the Value of a secret that still lasts: Certificates & secrets, then "
            "`mailmote provision`.",
            "With oauth-device, set Allow public client flows to Yes: Authentication, Advanced settings.",
            _PASTE_MORE,
        ),
        (CONNECT_APPLICATIONS, SHOW_APPLICATION, ALLOW_PUBLIC_CLIENT),
        (APP_CREDENTIALS, _ERRORS),
    ),
    "unauthorized-client": LongForm(
        "The application is not in this tenant, or is not allowed to sign in in this way.",
        (
            "Compare client_id and tenant in [oauth] with the application's Overview page in "
            "entra.microsoft.com, App registrations.",
            "With oauth-device, set Allow public client flows to Yes: Authentication, Advanced settings; or "
            "the commands below.",
            _PASTE_MORE,
        ),
        (CONNECT_APPLICATIONS, SHOW_APPLICATION, ALLOW_PUBLIC_CLIENT),
        (REGISTRATION, _ERRORS),
    ),
    "invalid-scope": LongForm(
        "The scope is misspelt, not of the kind that this way of signing in takes, or of a service that the "
        "tenant does not have.",
        (
            "Leave scope out of [oauth]: mailmote sets the right one.",
            "In entra.microsoft.com open App registrations, the application, API permissions: oauth-device "
            "needs the delegated permission SMTP.Send, oauth-app the application permission SMTP.SendAsApp, "
            "both of Office 365 Exchange Online.",
            "Check that the tenant has Exchange Online.",
        ),
        (),
        (OAUTH, _ERRORS),
    ),
    "invalid-request": LongForm(
        "Something in the request is missing or malformed. The sign-in service's words say what.",
        (
            "Check tenant, client_id and scope in [oauth], then run `mailmote provision` again.",
            "If they are right, update the firmware: the sign-in service may ask for more than it did.",
            _PASTE_MORE,
        ),
        (),
        (ENTRA_ERRORS, _ERRORS),
    ),
    "interaction-required": LongForm(
        "The sign-in service would ask a person something: for a second factor, for consent, or for a "
        "password again. A board cannot answer.",
        (SIGN_IN_AGAIN, ALERTS_ARE_KEPT, _PASTE_MORE),
        (),
        (ENTRA_ERRORS, CONSENT),
    ),
    "access-denied": LongForm(
        "Whoever was asked in the browser refused, or the organisation does not let this person use the "
        "application.",
        (
            "Sign in again with `mailmote provision` and accept what the browser shows.",
            "If it is refused without a question, see in entra.microsoft.com, Enterprise applications, the "
            "application, Properties, whether assignment is required; if so, assign the mailbox under Users "
            "and groups.",
            LOOK_UP,
        ),
        (),
        (SIGN_IN_LOGS, _DEVICE_ERRORS),
    ),
    "temporarily-unavailable": LongForm(
        "The sign-in service has too much to do. It passes, mostly within minutes; the board keeps the alert "
        "and tries again, ever more slowly.",
        ("Wait.", _IF_IT_LASTS),
        (),
        (SERVICE_STATUS,),
    ),
    "server-error": LongForm(
        "The sign-in service has a fault of its own. It passes, mostly within minutes; the board keeps the "
        "alert and tries again, ever more slowly.",
        ("Wait.", _IF_IT_LASTS),
        (),
        (SERVICE_STATUS,),
    ),
    "authorization-pending": LongForm(
        "This is no fault: the tool asks every few seconds whether somebody has signed in with the code, and "
        "nobody has yet.",
        (
            "Open the address that the tool shows, on any computer or phone, and type the code.",
            "Sign in as the mailbox, not as an administrator, and accept.",
        ),
        (),
        (DEVICE_CODE, _DEVICE_ERRORS),
    ),
    "slow-down": LongForm(
        "The sign-in service was asked more often than it wants. The tool waits five seconds longer from now "
        "on, as the protocol says.",
        ("Nothing to do.",),
        (),
        (_DEVICE_ERRORS,),
    ),
    "authorization-declined": LongForm(
        "Somebody typed the code and then said no, in the browser.",
        (
            "Start again with `mailmote provision`, sign in as the mailbox, and accept.",
            "If it was not you, ask who else had the code: it was on your screen.",
        ),
        (),
        (DEVICE_CODE,),
    ),
    "expired-token": LongForm(
        "Nobody signed in within the time that the code was good for, mostly 15 minutes.",
        ("Start again with `mailmote provision`, with the browser at hand.",),
        (),
        (DEVICE_CODE, _DEVICE_ERRORS),
    ),
    "bad-verification-code": LongForm(
        "The device code that the tool asked with is not one that the sign-in service has given out, or it "
        "was used before.",
        ("Start again with `mailmote provision` and type the new code.",),
        (),
        (DEVICE_CODE,),
    ),
    "token-throttled": LongForm(
        "The sign-in service had more requests of this application or address than it wants. A board asks "
        "about once an hour while it has mail, so something else is busy, or many boards started at once.",
        (
            "Wait: the board tries again, ever more slowly.",
            "If it lasts, look in the Entra sign-in logs for what else signs in with this application.",
        ),
        (),
        (SIGN_IN_LOGS,),
    ),
    "token-service-down": LongForm(
        "The sign-in service answered that it cannot answer. It passes, mostly within minutes.",
        ("Wait.", _IF_IT_LASTS),
        (),
        (SERVICE_STATUS,),
    ),
    "token-no-json": LongForm(
        "A sign-in service answers in JSON. What came was something else: the page of a proxy, of a network "
        "that wants a log-in, or of another server. Nothing in it was believed, and nothing was sent to "
        "where it pointed.",
        (
            "Let the board reach login.microsoftonline.com, port 443, with no proxy and no log-in page in "
            "between.",
            "Check host and port in [oauth], if they are set.",
        ),
    ),
    "token-missing": LongForm(
        "The answer says that all is well, and has no access token in it. Entra does not answer so; "
        "something else may stand at this address.",
        ("Check host and port in [oauth], if they are set.", "If they are not, wait: the board tries again."),
        (),
        (RFC + "rfc6749.html#section-5.1",),
    ),
    "token-refused": LongForm(
        "The sign-in service refused the request, with a reason that mailmote has no row for. Its words are "
        "in the board's log and in the next mail.",
        (
            "Read its words: Entra's begin with AADSTS and a number, which "
            "https://login.microsoftonline.com/error?code=<number> explains.",
            LOOK_UP,
            _PASTE_MORE,
        ),
        (),
        (ENTRA_ERRORS, SIGN_IN_LOGS),
    ),
}
