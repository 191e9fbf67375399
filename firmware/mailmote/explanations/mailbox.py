"""The mailbox that signs in, and its organisation: rights, limits, blocks."""

# fmt: off
ROWS = (
    ("mailbox-logon-failed", 4, "", "mailbox logon failure|mapiexceptionlogonfailed", "", "retry-later",
     "The application signed in but may not open the mailbox, or the right has not spread yet.",
     "Administrator: Add-MailboxPermission <mailbox> -User <service principal> -AccessRights FullAccess; "
     "allow an hour."),
    ("concurrent-connections", 4, "", "concurrent connections limit|sender thread limit", "", "retry-later",
     "More than 3 connections used this mailbox at once.",
     "Nothing to do: it is tried again. If it recurs, give some of the boards a mailbox of their own."),
    ("recipient-quota", 5, "", "submissionquotaexceeded", "", "retry-later",
     "The mailbox has sent to 10,000 recipients in 24 hours.",
     "The alert is kept and goes out as the 24 hours pass. Find what sends so much, or use another mailbox."),
    ("external-recipient-quota", 5, "5.7.233", "", "", "retry-later",
     "The organisation has reached its limit of recipients outside it for 24 hours.",
     "The alert is kept and goes out as the 24 hours pass. Send to recipients inside the organisation."),
    ("external-recipient-quota-trial", 5, "5.7.232", "", "", "retry-later",
     "The trial organisation has reached its small limit of outside recipients for 24 hours.",
     "The alert is kept. Send to recipients inside the organisation, or buy a licence."),
    ("too-many-recipients", 4, "4.5.3", "", "", "retry-later",
     "The server takes no more recipients in one message.",
     "The rest is sent later. Use a distribution list as the recipient."),
    ("mailbox-full", 5, "5.2.2", "storedrv.submission", "", "fix-settings",
     "The mailbox that signs in is full, so it may not send.",
     "Empty its Sent Items and Deleted Items, and give it a retention policy that does so."),
    ("recipient-mailbox-full", 5, "5.2.2", "", "rc", "give-up",
     "The recipient's mailbox is full.",
     "Ask the recipient to make room, or name another one in to."),
    ("sender-blocked", 5, "5.1.8", "", "", "fix-settings",
     "Microsoft blocked this mailbox for sending spam: its password may be known to others.",
     "Administrator: change its password, then unblock it at "
     "https://security.microsoft.com/restrictedentities."),
    ("tenant-blocked", 5, "5.7.705", "", "", "fix-settings",
     "Microsoft blocked the whole organisation for sending too much suspicious mail.",
     "Administrator: secure the accounts that sent it, then ask Microsoft support to lift the block."),
    ("address-not-accepted", 5, "5.7.708", "", "", "fix-settings",
     "Microsoft takes no mail from this address: new and trial organisations often meet this.",
     "Administrator: ask Microsoft support to lift it; a trial organisation needs a paid licence."),
    ("send-as-denied", 5, "", "sendasdenied|send as this sender", "", "fix-settings",
     "The mailbox that signs in may not send as the From address.",
     "Set from to the same as username, or, Administrator: Add-RecipientPermission <from> "
     "-Trustee <username> -AccessRights SendAs."),
)
# fmt: on
