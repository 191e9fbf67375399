"""The mailbox that signs in, and its organisation: rights, limits, blocks."""

from .form import LongForm
from .pages import CMDLET, DEVICES_FAIL, LIMITS, OAUTH, REFUSALS, RESTRICTED, RFC

LONG_FORMS = {
    "mailbox-logon-failed": LongForm(
        "The application signed in, and then Exchange could not open the mailbox for it: its service "
        "principal lacks FullAccess, or the permission has not spread yet. mailmote keeps the alert and "
        "tries again slowly.",
        (
            "Give the service principal FullAccess to the mailbox.",
            "Allow up to an hour.",
            "If it lasts, check that the service principal has the object id of the enterprise application.",
        ),
        (
            "Get-MailboxPermission -Identity <mailbox>",
            "Add-MailboxPermission -Identity <mailbox> -User <service principal> -AccessRights FullAccess",
        ),
        (OAUTH,),
    ),
    "concurrent-connections": LongForm(
        "Exchange Online lets one mailbox send over three connections at once. Other boards or programs "
        "use the same mailbox. mailmote keeps the alert and tries again after a random pause.",
        (
            "Nothing, if it happens now and then.",
            "With many boards, share them out over several mailboxes, or use option smtp-relay, which has "
            "no such limit.",
        ),
        (),
        ("https://aka.ms/concurrent_sending", LIMITS),
    ),
    "recipient-quota": LongForm(
        "The mailbox has sent to 10,000 recipients within 24 hours. The reply is a 554, yet it ends by "
        "itself: the window rolls, so mailmote keeps the alert and tries again.",
        (
            "Find what sends so much: a message trace in the Exchange admin center shows it.",
            "Lengthen repeat_every, send to a distribution list (one recipient), or use a mailbox of its "
            "own.",
        ),
        ("Get-MessageTraceV2 -SenderAddress <mailbox>",),
        (LIMITS,),
    ),
    "external-recipient-quota": LongForm(
        "The organisation as a whole has sent to as many recipients outside it as its licences allow in 24 "
        "hours. The window rolls: mailmote keeps the alert and tries again.",
        (
            "Name recipients inside the organisation: they do not count.",
            "See in the Exchange admin center, Reports, Mail flow, what uses the limit up.",
        ),
        (),
        (LIMITS,),
    ),
    "external-recipient-quota-trial": LongForm(
        "The organisation is on trial, and those may send to few recipients outside in 24 hours. The "
        "window rolls: mailmote keeps the alert and tries again.",
        ("Name recipients inside the organisation.", "Or buy licences: the limit grows with them."),
        (),
        (LIMITS,),
    ),
    "too-many-recipients": LongForm(
        "The server takes so many recipients in one message and no more; the MX endpoint 200 of one "
        "domain. Those that it took have the mail, the rest gets it in a later one.",
        ("Name a distribution list as the recipient: it counts as one.",),
        (),
        (LIMITS, RFC + "rfc5321.html#section-4.5.3.1.10"),
    ),
    "mailbox-full": LongForm(
        "The mailbox that signs in has reached its quota, and a full mailbox may not send. Client "
        "submission keeps a copy of each mail in Sent Items, so a mailbox that only sends fills up too. "
        "The alerts are kept.",
        (
            "Empty Sent Items and Deleted Items of the mailbox.",
            "Give it a retention policy that deletes old mail, so that it does not fill again.",
        ),
        (
            "Get-MailboxStatistics -Identity <mailbox> | Format-List TotalItemSize, StorageLimitStatus",
            "Set-Mailbox -Identity <mailbox> -RetentionPolicy <policy>",
        ),
        (LIMITS,),
    ),
    "recipient-mailbox-full": LongForm(
        "The mailbox of this recipient has no room. The server refuses for good, so mailmote gives up on "
        "this recipient for this alert; the others get it.",
        (
            "Ask the recipient to make room.",
            "Name a second recipient: alerts should not hang on one mailbox.",
        ),
        (),
        (REFUSALS,),
    ),
    "sender-blocked": LongForm(
        "Microsoft has put the mailbox on the list of restricted entities for sending spam or more than "
        "its policy allows. If the boards did not do it, someone else has the password.",
        (
            "Change the password, and look at the sign-in logs and inbox rules of the mailbox.",
            "Unblock it in the Defender portal, Restricted entities, or by the command.",
            "Store the new password on every board that uses it.",
        ),
        ("Get-BlockedSenderAddress", "Remove-BlockedSenderAddress -SenderAddress <mailbox>"),
        ("https://security.microsoft.com/restrictedentities", RESTRICTED),
    ),
    "tenant-blocked": LongForm(
        "So much of the organisation's mail looked like spam that Microsoft stopped all of it. Every "
        "sender of the organisation is refused, not the boards alone.",
        (
            "Find the accounts that sent it (message trace, sign-in logs) and secure them.",
            "Correct connectors that relay for others.",
            "Then ask Microsoft support to lift the block.",
        ),
        ("Get-BlockedSenderAddress", "Get-InboundConnector"),
        (REFUSALS,),
    ),
    "address-not-accepted": LongForm(
        "Exchange Online takes no mail from the address that it came from. New and trial organisations "
        "without a reputation meet this often, and those that sent spam.",
        (
            "On a trial: add a paid licence.",
            "Secure accounts that sent spam.",
            "Ask Microsoft support to lift the restriction.",
        ),
        (),
        (REFUSALS,),
    ),
    "send-as-denied": LongForm(
        "From differs from the mailbox that signed in, and that mailbox has no Send As right on it. The "
        "server takes MAIL and RCPT and refuses after the message, so nothing earlier shows it.",
        (
            "Simplest: set from to the address in username.",
            "Or grant Send As to the sign-in; allow an hour for it to spread. From may then also be a shared "
            "mailbox.",
            "For many From addresses, use option smtp-relay: its connector lets any address of an accepted "
            "domain send.",
        ),
        (
            "Get-RecipientPermission -Identity <from> -Trustee <username>",
            "Add-RecipientPermission -Identity <from> -Trustee <username> -AccessRights SendAs",
        ),
        (CMDLET + "add-recipientpermission", DEVICES_FAIL),
    ),
}
