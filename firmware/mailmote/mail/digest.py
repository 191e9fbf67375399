"""One mail about several alerts: a table of what happened, from first to last.

A line each, since a phone breaks a wider table apart.
"""

from ..civil import rfc5322_date, stamp
from .alert import changes, headline, matter, urgent
from .body import body, prefixed
from .message import Message


def compose(rows, about, message_id, at_s, health_lines=()):
    """The Message for several events. `rows()` yields (Event, About) of each, oldest first, at every call the
    same; `about` is what they share, and its `sensor` and `unit` are not looked at.

    `message_id` and `at_s`, seconds since 1970, are those of the last event, for good. Raises SettingsError
    where a name or an address cannot stand in a header.
    """
    health_lines = tuple(health_lines)
    count, important, last = 0, False, ""
    for event, of_event in rows():
        count += event.count
        important = important or urgent(event, of_event)
        last = matter(event, of_event)
    return Message(
        (about.device, about.sender),
        about.to,
        prefixed("%s: %d alerts, the last: %s" % (about.device, count, last), about),
        message_id,
        rfc5322_date(at_s, about.utc_offset_s),
        lambda: _body(rows, count, about, health_lines),
        about.cc,
        about.reply_to,
        important,
    )


def _body(rows, count, about, health_lines):
    sentence = "%s has %d alerts to tell, from first to last:" % (about.device, count)
    meaning = (
        "They waited together, so they come in one mail. The last line of each alarm tells how it is now.",
    )
    paragraphs = (("", _lines(rows)), ("What it means:", meaning))
    return body(sentence, paragraphs, about, health_lines)


def _lines(rows):
    for event, about in rows():
        yield "%s  %s" % (stamp(event.at_s, about.utc_offset_s), headline(event, about))
        if event.count > 1:
            yield "    " + changes(event, about)
