"""Recipients who do not get a mail: what the server said of them is kept, and told to the others.

It is kept beside the alert on the flash, so that a restart forgets nothing, and told in the next mail that
gets through.
"""

from . import log


class Refusals:
    def __init__(self, outbox, health):
        self._outbox = outbox
        self._health = health
        self._untold = []  # (text, number of the record)
        for number in outbox.untold():
            for text in outbox.replies(number):
                self._untold.append((text, number))
                health.note(text)

    def keep(self, numbers, recipient, error):
        """A recipient is refused the mail that told these records."""
        self._health.refused += 1
        text = "%s does not get this mail. %s" % (recipient, error)
        log.error("courier", text)
        self._health.note(text)
        for number in numbers:
            self._outbox.keep_reply(number, text)
            self._untold.append((text, number))

    def told(self, notes):
        """A mail got through that told these notes."""
        self._outbox.told([number for text, number in self._untold if text in notes])
        self._untold = [entry for entry in self._untold if entry[0] not in notes]
