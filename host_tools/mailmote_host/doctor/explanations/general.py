"""Any server; and what the class of a reply says by itself."""

from .form import LongForm
from .pages import LIMITS, REFUSALS, RFC

LONG_FORMS = {
    "greylisted": LongForm(
        "The server puts every sender off that it sees for the first time, as spammers seldom come back. "
        "mailmote does, after some minutes.",
        ("Nothing.", "If the server is yours, exempt the site's address, so that first alerts are not late."),
    ),
    "message-too-large": LongForm(
        "The message is larger than the server or the recipient allows. It never fits, so mailmote gives "
        "it up.",
        ("Send a smaller attachment, or none.", "If the server is yours, raise its limit."),
        (),
        (LIMITS,),
    ),
    # By class and stage
    "service-closing": LongForm(
        "421 closes the connection at any point: the server shuts down, is overloaded, or has seen too many "
        "errors or too much idleness. What was not accepted is kept and tried again.",
        (
            "Wait.",
            "If it comes at every greeting, the server may block the site's address: its text says so.",
        ),
        (),
        (RFC + "rfc5321.html#section-3.8",),
    ),
    "starttls-unavailable": LongForm(
        "The server offers STARTTLS and says that it cannot do it now (454). With TLS required, nothing is "
        "sent in clear; the alert is kept.",
        (
            "Wait.",
            "If it lasts, check host and port: someone in between who wants the mail in clear would answer "
            "so.",
        ),
        (),
        (RFC + "rfc3207.html#section-4",),
    ),
    "sign-in-unavailable": LongForm(
        "The server cannot check user name and password at the moment (454 as a rule). They may be right.",
        ("Wait.", "If it lasts and the server is yours, look at the service that checks its passwords."),
        (),
        (RFC + "rfc4954.html",),
    ),
    "recipient-deferred": LongForm(
        "The server does not take mail for this recipient for now: greylisting, a mailbox that is locked "
        "or busy, or a lookup that failed. The alert is kept for this recipient and tried again.",
        ("Wait.", "The text of the reply tells more; some servers name a page."),
        (),
        (RFC + "rfc5321.html#section-4.2.1",),
    ),
    "deferred": LongForm(
        "A reply that begins with 4 says: not now. The alert is kept and tried again, ever more slowly.",
        ("Wait.", "If it lasts for hours, the text of the reply tells more."),
        (),
        (RFC + "rfc5321.html#section-4.2.1",),
    ),
    "greeting-refused": LongForm(
        "The server refused in its first line. It has no mail service for this client: a wrong host, or a "
        "list that blocks the site's address.",
        (
            "Check host and port.",
            "If they are right, ask the server's administrator, or use client-submission.",
        ),
        (),
        (RFC + "rfc5321.html#section-3.1",),
    ),
    "ehlo-refused": LongForm(
        "The server refused EHLO and HELO: it does not like the name that the board gives, or this client "
        "at all.",
        (
            "Check host and port.",
            "Give the device a name of letters, digits and hyphens, and from a domain that exists.",
        ),
        (),
        (RFC + "rfc5321.html#section-4.1.1.1",),
    ),
    "starttls-refused": LongForm(
        "The server offers STARTTLS and refuses it for good. With TLS required, nothing is sent in clear.",
        ("Check host and port.", "If the server is yours, look at its certificate and TLS settings."),
        (),
        (RFC + "rfc3207.html#section-4",),
    ),
    "sign-in-refused": LongForm(
        "The server refused user name and password (535), or this account (other codes). Trying again "
        "would lock many an account, so mailmote waits for a person, and keeps every alert.",
        (
            "Check host, username and the password on the board.",
            "See that the account may send by SMTP.",
            "The text of the reply tells more.",
        ),
        (),
        (RFC + "rfc4954.html#section-6",),
    ),
    "sender-refused": LongForm(
        "The server does not take mail from this sender: it wants a sign-in, does not know the domain, or "
        "allows the sign-in other addresses only.",
        (
            "Check from in [mail].",
            "Check whether the server wants a sign-in.",
            "The text of the reply tells more.",
        ),
        (),
        (RFC + "rfc5321.html#section-4.1.1.2",),
    ),
    "recipient-refused": LongForm(
        "The server refuses this recipient for good: there is none of that name, or none that this board "
        "may write to. mailmote gives up on this recipient for this alert and tells it in the next mail; "
        "the others get theirs.",
        ("Correct the address in to, in [mail] or in the alarm.", "The text of the reply tells more."),
        (),
        (REFUSALS,),
    ),
    "data-refused": LongForm(
        "The server took sender and recipients and then no message. It is a rule of the server against this "
        "client, so the alerts are kept.",
        ("Check host and option.", "The text of the reply tells more; ask the server's administrator."),
        (),
        (RFC + "rfc5321.html#section-4.1.1.4",),
    ),
    "content-refused": LongForm(
        "The server read the message and refuses it for good: a filter, its size, or a rule of the "
        "organisation. The same message would be refused again, so mailmote gives it up and tells it in "
        "the next mail.",
        (
            "Read the reply: it often names the filter.",
            "Ask the server's administrator to let the board's mail through.",
        ),
        (),
        (REFUSALS,),
    ),
    "refused": LongForm(
        "A reply that begins with 5 refuses for good. What it refuses depends on the command that it "
        "answers.",
        ("Add --stage with the stage from the board's log: mailmote explain then says more.",),
        (),
        (RFC + "rfc5321.html#section-4.2.1", REFUSALS),
    ),
    "unexpected-reply": LongForm(
        "The code of the reply does not belong to the command: the server, or something in between, lost "
        "step.",
        ("Check host and port.", "Turn SMTP inspection in firewalls off for the board."),
        (),
        (RFC + "rfc5321.html#section-4.3.2",),
    ),
}
