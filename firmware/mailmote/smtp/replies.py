"""What a refusal means for what is done next, and why it happened, in words.

The marks by which a reply is known, and the words, are the table in explanations/.

A reply that the table does not know is judged by its class and stage (RFC 5321 section 4.2.1): 4yz passes,
5yz does not. At RCPT a 5yz is about that recipient, after the content about that message: both are given up.
At every other stage it would refuse the next message as well: the settings are at fault, and the alerts are
kept.
"""

from ..explanations import rows

_PARTS = ("sign_in", "mailbox", "mx", "general")  # of the table: what servers say

RETRY_NOW = 0
RETRY_LATER = 1
GIVE_UP = 2
FIX_SETTINGS = 3
ACTIONS = ("retry-now", "retry-later", "give-up", "fix-settings")

# In the order of a session. The first letters differ: the table names stages by them.
STAGES = ("greeting", "ehlo", "starttls", "auth", "mail", "rcpt", "data", "content", "quit")

# First letter of the stage, key, action. The last of each is for every other stage.
_TRANSIENT = (
    ("s", "starttls-unavailable", RETRY_LATER),
    ("a", "sign-in-unavailable", RETRY_LATER),
    ("r", "recipient-deferred", RETRY_LATER),
    ("", "deferred", RETRY_LATER),
)
_PERMANENT = (
    ("g", "greeting-refused", FIX_SETTINGS),
    ("e", "ehlo-refused", FIX_SETTINGS),
    ("s", "starttls-refused", FIX_SETTINGS),
    ("a", "sign-in-refused", FIX_SETTINGS),
    ("m", "sender-refused", FIX_SETTINGS),
    ("r", "recipient-refused", GIVE_UP),
    ("d", "data-refused", FIX_SETTINGS),
    ("c", "content-refused", GIVE_UP),
    ("", "refused", FIX_SETTINGS),
)


def classify(code, enhanced, text, stage):
    """(key, action) of a reply that is not what `stage`, one of STAGES or "", wants.

    `enhanced` is the enhanced status code (RFC 3463), as `5.7.139`, or "".
    """
    try:
        text = text.lower()
        for row in rows(_PARTS):
            if _matches(row, code, enhanced, text, stage[:1]):
                return row[0], ACTIONS.index(row[5])
    except MemoryError:
        pass  # the class of the reply tells what to do, if not why
    return by_class(code, stage)


def by_class(code, stage):
    """(key, action) by the class of a reply alone."""
    if code == 421:
        return "service-closing", RETRY_LATER
    if not 400 <= code <= 599:
        return "unexpected-reply", RETRY_LATER
    rules = _TRANSIENT if code < 500 else _PERMANENT
    for letter, key, action in rules:
        if letter == stage[:1]:
            return key, action
    return rules[-1][1:]


def _matches(row, code, enhanced, text, letter):
    """True for a row with marks of its own, all of which the reply bears. `text` is in lower case.

    `letter` is the first of the stage; "" is in any text, so that an unknown stage fits every row.
    """
    _, code_class, codes, fragments, stages, _, _, _ = row
    if not codes and not fragments:
        return False
    if code_class and code_class != code // 100:
        return False
    if codes and enhanced not in codes.split("|"):
        return False
    if stages and letter not in stages:
        return False
    return not fragments or any(fragment in text for fragment in fragments.split("|"))
