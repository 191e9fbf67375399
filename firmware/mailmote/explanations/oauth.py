"""What a sign-in service refuses by name, the `error` of RFC 6749 and RFC 8628 in place of the enhanced
status code; and what only the HTTP status tells.
"""

# fmt: off
ROWS = (
    ("invalid-grant", 0, "invalid_grant", "", "t", "fix-settings",
     "The board's sign-in is no longer good: it expired, was revoked, or is of another application.",
     "Sign the board in again: `mailmote provision`."),
    ("invalid-client", 0, "invalid_client", "", "t", "fix-settings",
     "The application did not prove who it is: client_id or the client secret is wrong.",
     "Check client_id in [oauth], and store the secret's Value, not its Secret ID: `mailmote provision`."),
    ("unauthorized-client", 0, "unauthorized_client", "", "t", "fix-settings",
     "The application may not sign in in this way, or not in this tenant.",
     "Check tenant and client_id in [oauth]. Administrator: App registrations, Authentication, Allow public "
     "client flows: Yes."),
    ("invalid-scope", 0, "invalid_scope|invalid_resource", "", "t", "fix-settings",
     "The scope is not valid, or not one of the application's permissions.",
     "Leave scope out of [oauth]: mailmote knows it. Administrator: App registrations, API permissions."),
    ("invalid-request", 0, "invalid_request|unsupported_grant_type", "", "t", "fix-settings",
     "The sign-in service did not accept the request.",
     "Check tenant, client_id and scope in [oauth], then provision again; if they are right, update the "
     "firmware."),
    ("interaction-required", 0, "interaction_required|login_required|consent_required", "", "t",
     "fix-settings",
     "Entra wants a person to sign in: for a second factor, a consent or a changed policy.",
     "Sign the board in again: `mailmote provision`."),
    ("access-denied", 0, "access_denied", "", "t", "fix-settings",
     "The person or the organisation refused the sign-in.",
     "Sign in again and accept: `mailmote provision`. If that is refused, look at the Entra sign-in logs."),
    ("temporarily-unavailable", 0, "temporarily_unavailable", "", "t", "retry-later",
     "The sign-in service is too busy at the moment.",
     "Nothing to do: it is tried again. If it lasts, look at https://status.cloud.microsoft."),
    ("server-error", 0, "server_error", "", "t", "retry-later",
     "The sign-in service has a fault of its own.",
     "Nothing to do: it is tried again. If it lasts, look at https://status.cloud.microsoft."),

    # Device code
    ("authorization-pending", 0, "authorization_pending", "", "t", "retry-later",
     "Nobody has signed in with the code yet.",
     "Open the address that is shown, type the code, and sign in as the mailbox."),
    ("slow-down", 0, "slow_down", "", "t", "retry-later",
     "The sign-in service was asked too often.",
     "Nothing to do: it is asked again after a longer pause."),
    ("authorization-declined", 0, "authorization_declined", "", "t", "fix-settings",
     "The sign-in was declined in the browser.",
     "Start it again and accept: `mailmote provision`."),
    ("expired-token", 0, "expired_token|code_expired", "", "t", "fix-settings",
     "The code expired before anyone signed in with it.",
     "Start the sign-in again: `mailmote provision`. A code is good for 15 minutes."),
    ("bad-verification-code", 0, "bad_verification_code", "", "t", "fix-settings",
     "The sign-in service does not know the device code.",
     "Start the sign-in again: `mailmote provision`."),

    # By the HTTP status
    ("token-throttled", 0, "", "", "t", "retry-later",
     "The sign-in service had too many requests.",
     "Nothing to do: it is tried again. If it lasts, see what else signs in with this application."),
    ("token-service-down", 0, "", "", "t", "retry-later",
     "The sign-in service is out of order at the moment.",
     "Nothing to do: it is tried again. If it lasts, look at https://status.cloud.microsoft."),
    ("token-no-json", 0, "", "", "t", "retry-later",
     "That is no answer of a sign-in service: a proxy, a log-in page of the network or another server gave "
     "it.",
     "Let the board reach login.microsoftonline.com, port 443, directly; check host in [oauth]."),
    ("token-missing", 0, "", "", "t", "retry-later",
     "The sign-in service agreed, but gave no access token.",
     "It is tried again. If it lasts, check host in [oauth]."),
    ("token-refused", 0, "", "", "t", "fix-settings",
     "The sign-in service refused, for a reason that mailmote does not know.",
     "Read its words. Administrator: look the attempt up in the Entra sign-in logs (entra.microsoft.com)."),
)
# fmt: on
