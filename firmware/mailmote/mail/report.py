"""Mails of the board about itself, for which nothing that it watches has changed.

A test that somebody asked for, the daily sign of life, and a start in safe mode.
"""

from ..civil import rfc5322_date, stamp
from ..event import ALIVE, CRASH, TEST
from .body import body, prefixed
from .message import Message

# kind: subject, first sentence (with the device's name), what the time is called, what it means
_WORDS = {
    TEST: (
        "mailmote test mail from %s",
        "This is a test: somebody asked %s for a mail. No alarm was raised.",
        "Asked for",
        ("The alerts of this board reach you in the same way. No need to act.",),
    ),
    ALIVE: (
        "%s is well",
        "%s watches its sensors and can mail.",
        "Told",
        (
            "No need to act. This comes once a day: if it stays out, see whether the board has power and a "
            "network.",
        ),
    ),
    CRASH: (
        "%s does not watch its sensors: it is in safe mode",
        "%s crashed three times in ten minutes, and now only mails: nobody watches its sensors.",
        "Since",
        (
            "Check what is measured yourself. By itself the board starts normally again within hours.",
            "If this comes again, send the lines below to those who look after the board, and update it: "
            "mailmote update.",
        ),
    ),
}


def compose(event, about, message_id, health_lines=(), readings=(), log_lines=()):
    """The Message for an Event of one of these kinds. `readings` and `log_lines` are lines of text.

    Raises SettingsError where a name or an address cannot stand in a header.
    """
    subject, headline, called, meaning = _WORDS[event.kind]
    where = "Where: %s" % (("%s, %s" % (about.device, about.site)) if about.site else about.device)
    when = "%s: %s" % (called, stamp(event.at_s, about.utc_offset_s))
    paragraphs = (
        ("", (where, when)),
        ("Its sensors:", tuple(readings)),
        ("What it means:", meaning),
        ("The last lines of its log:", tuple(log_lines)),
    )
    health_lines = tuple(health_lines)
    return Message(
        (about.device, about.sender),
        about.to,
        prefixed(subject % about.device, about),
        message_id,
        rfc5322_date(event.at_s, about.utc_offset_s),
        lambda: body(headline % about.device, paragraphs, about, health_lines),
        about.cc,
        about.reply_to,
        event.kind == CRASH,
    )
