"""What the text of every mail has in common: paragraphs with an empty line between, and its last lines."""

from ..civil import offset_text


def body(headline, paragraphs, about, health_lines, last=""):
    """The text, as pieces. `paragraphs` are (title, iterable of lines); `last` ends it."""
    yield headline
    yield "\n\n"
    for title, lines in paragraphs:
        yield from paragraph(title, lines)
    yield from paragraph("Please note:", about.notes)
    yield from paragraph("The board:", health_lines)
    yield "mailmote on %s sent this. Times are local, UTC%s.\n" % (
        about.device,
        offset_text(about.utc_offset_s),
    )
    yield last


def paragraph(title, lines):
    """Its pieces; nothing at all where there are no lines."""
    empty = True
    for line in lines:
        if empty and title:
            yield title
            yield "\n"
        empty = False
        yield line
        yield "\n"
    if not empty:
        yield "\n"


def prefixed(subject, about):
    """A subject behind the prefix that the settings have for all of them."""
    return "%s %s" % (about.subject_prefix, subject) if about.subject_prefix else subject
