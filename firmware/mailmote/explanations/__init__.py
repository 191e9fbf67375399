"""What went wrong and what puts it right, in words: of the answers of servers, and of our own faults.

The table has parts, since a board that has to load it from flash has room for one part at a time: a part is
loaded for a look-up and let go at once, so that the words cost heap only while they are read. A part is a
module with ROWS; it imports nothing, and nothing else on a board refers to it.

A row: key; first digit of the reply code, or 0; enhanced status codes; fragments of the text, in lower
case; first letters of the stages; action; cause; fix. Alternatives are parted by `|`; what is empty matches
all. The first row that fits a reply is taken (smtp/replies.py), so the more telling stand first. Rows with
neither enhanced status code nor fragment are reached by key: the classes of replies.py, and all of `local`
and `trust`, whose causes have places for values.

The rows of `entra` and `oauth`, with the stage `t`, are of the service that gives out tokens. In place of
enhanced status codes they hold AADSTS numbers and names of errors, which no reply of a mail server has
(policy/token_errors.py).

Cause and fix stand on a console and in a mail on a phone: at most 160 characters each. The long form is that
of `mailmote explain`. Sources: "Email non-delivery reports and SMTP errors in Exchange Online", "Enable or
disable SMTP AUTH", "How to set up a multifunction device" and "Exchange Online limits", learn.microsoft.com;
"Microsoft Entra authentication and authorization error codes", there too; the Exchange team's blog for
5.7.30 and 5.7.68; RFC 3463, RFC 5321, RFC 6749 section 5.2 and RFC 8628 section 3.5.
"""

from .. import compat

_PARTS = ("local", "trust", "sign_in", "mailbox", "mx", "general", "entra", "oauth")
_NO_MEMORY = ("There was too little memory to look up the reason.", "Ask the computer: mailmote explain")


def failure(kind, key, *values):
    """The exception, of class `kind`, that says the cause of `key` with `values` in it, and the fix."""
    cause, fix = explain(key)
    return kind("%s %s" % (cause % values if "%" in cause else cause, fix), key)


def explain(key):
    """(cause, fix) in words; two empty strings for a key that the table does not have."""
    try:
        for row in rows():
            if row[0] == key:
                return row[6], row[7]
    except MemoryError:
        return _NO_MEMORY
    return "", ""


def rows(parts=_PARTS):
    """Each row of these parts of the table, with one part in memory at a time."""
    # Here, since deeper in, a stale pointer on the stack may hold on to what an earlier look-up loaded.
    compat.collect()
    for part in parts:
        for row in compat.borrow(__name__ + "." + part).ROWS:
            yield row
