"""What Microsoft Entra refuses by number: the AADSTS code in place of the enhanced status code."""

# fmt: off
ROWS = (
    # The account
    ("aadsts-50034", 0, "50034", "", "t", "fix-settings",
     "The tenant has no such user.",
     "Check tenant in [oauth], and the mailbox's sign-in name: entra.microsoft.com, Users."),
    ("aadsts-50053", 0, "50053", "", "t", "fix-settings",
     "The account is locked after too many failed sign-ins, or the site's address is blocked.",
     "Stop every device with an old password and wait until the lock ends; look at the Entra sign-in logs."),
    ("aadsts-50055", 0, "50055", "", "t", "fix-settings",
     "The password of the account has expired.",
     "Set a new one at https://outlook.office.com, then sign the board in again: `mailmote provision`."),
    ("aadsts-50057", 0, "50057", "", "t", "fix-settings",
     "The account is disabled, as that of a shared mailbox is.",
     "Administrator: Set-EntraUser -UserId <mailbox> -AccountEnabled $true. Shared mailbox: sign in as a "
     "user who has access to it."),
    ("aadsts-50076", 0, "50076", "", "t", "fix-settings",
     "Entra asks for a second factor: a policy has changed since the sign-in.",
     "Sign the board in again, with the second factor: `mailmote provision`."),
    ("aadsts-50079", 0, "50079", "", "t", "fix-settings",
     "The account has to register a second factor first.",
     "Register it at https://aka.ms/mfasetup, then sign the board in again: `mailmote provision`."),
    ("aadsts-530032", 0, "530032|53003", "", "t", "fix-settings",
     "A Conditional Access policy of the organisation blocked the sign-in.",
     "Administrator: find the policy in the Entra sign-in logs and exclude the mailbox, or allow the site's "
     "address and device code flow."),

    # The sign-in that the board was given
    ("aadsts-70008", 0, "70008", "", "t", "fix-settings",
     "The board's sign-in has expired: it was not used for too long.",
     "Sign the board in again: `mailmote provision`."),
    ("aadsts-700082", 0, "700082", "", "t", "fix-settings",
     "The board's sign-in has expired: it was not used for 90 days.",
     "Sign the board in again: `mailmote provision`."),
    ("aadsts-50173", 0, "50173", "", "t", "fix-settings",
     "The board's sign-in was revoked: the password was changed, or an administrator ended the sessions.",
     "Sign the board in again: `mailmote provision`."),
    ("aadsts-70018", 0, "70018", "", "t", "fix-settings",
     "The device code is wrong, or was used before.",
     "Start the sign-in again: `mailmote provision`."),
    ("aadsts-70019", 0, "70019", "", "t", "fix-settings",
     "The code expired before anyone signed in with it.",
     "Start the sign-in again: `mailmote provision`. A code is good for 15 minutes."),

    # The application
    ("aadsts-65001", 0, "65001", "", "t", "fix-settings",
     "Nobody has consented to the application for this mailbox.",
     "Sign in again and accept: `mailmote provision`. Or Administrator: App registrations, API permissions, "
     "Grant admin consent."),
    ("aadsts-90094", 0, "90094", "", "t", "fix-settings",
     "Only an administrator can consent to the application.",
     "Administrator: entra.microsoft.com, App registrations, the application, API permissions, Grant admin "
     "consent."),
    ("aadsts-700016", 0, "700016", "", "t", "fix-settings",
     "The tenant has no application with this client_id.",
     "Check client_id and tenant in [oauth]: entra.microsoft.com, App registrations, the application, "
     "Overview."),
    ("aadsts-7000215", 0, "7000215", "", "t", "fix-settings",
     "The client secret is wrong.",
     "Store the secret's Value, not its Secret ID: `mailmote provision`. If it is lost, make a new one "
     "under Certificates & secrets."),
    ("aadsts-7000222", 0, "7000222", "", "t", "fix-settings",
     "The client secret has expired.",
     "Administrator: App registrations, the application, Certificates & secrets, New client secret. Then "
     "`mailmote provision`."),
    ("aadsts-7000218", 0, "7000218", "", "t", "fix-settings",
     "The application does not allow to sign in without a secret of its own.",
     "Administrator: App registrations, the application, Authentication, Allow public client flows: Yes."),
    ("aadsts-70011", 0, "70011", "", "t", "fix-settings",
     "The scope is not valid.",
     "Leave scope out of [oauth]: mailmote knows it. Then `mailmote provision`."),
    ("aadsts-90002", 0, "90002", "", "t", "fix-settings",
     "There is no such tenant.",
     "Correct tenant in [oauth]: the organisation's domain, as contoso.onmicrosoft.com, or its tenant ID."),
    ("aadsts-900144", 0, "900144", "", "t", "fix-settings",
     "The request lacks a field that Entra wants.",
     "Check tenant, client_id and scope in [oauth], then provision again; if they are right, update the "
     "firmware."),
)
# fmt: on
