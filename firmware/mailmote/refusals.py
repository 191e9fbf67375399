"""Recipients who do not get a mail: what the server said of them is kept, and told to the others.

It is kept beside the alert on the flash, so that a restart forgets nothing, and told in the next mail that
gets through.
"""

from . import log
from .errors import GiveUp, StorageError
from .explanations import failure

_MOST_UNTOLD = 40  # in memory: older ones are on the flash, and told after a start
_AT_ONCE = 4  # notes in one mail


class Refusals:
    def __init__(self, outbox, health):
        self._outbox = outbox
        self._health = health
        self._untold = []  # (text, number of the record)
        for number in outbox.untold():
            for text in outbox.replies(number):
                self._remember(text, number)
                health.note(text)

    def keep(self, mail, recipient, error):
        """A recipient is refused this mail."""
        self._health.refused += 1
        text = "%s does not get %s. %s" % (recipient, _named(mail.numbers), error)
        log.error("courier", text)
        self._health.note(text)
        for number in mail.numbers:
            self._outbox.keep_reply(number, text)
            self._remember(text, number)

    def expire(self, bag, trouble):
        """Refuse what has waited for longer than the settings allow: RFC 5321 section 4.5.4.1."""
        mail = bag.expired()
        while mail:
            error = failure(GiveUp, "expired", trouble or "no reason is known")
            for index in mail.pending():
                self.keep(mail, mail.recipients[index], error)
            try:
                bag.settle(mail, mail.last.pending, mail.last.pending)
            except StorageError as problem:
                log.error("courier", problem)
                return
            mail = bag.expired()

    def told(self, notes):
        """A mail got through that told these notes. The next one tells what had no room in it."""
        left = [entry for entry in self._untold if entry[0] not in notes]
        waiting = [number for text, number in left]
        self._outbox.told([number for text, number in self._untold if number not in waiting])
        self._untold = left
        texts = []
        for text, _ in left:
            if text not in texts and len(texts) < _AT_ONCE:
                texts.append(text)
                self._health.note(text)

    def _remember(self, text, number):
        self._untold = (self._untold + [(text, number)])[-_MOST_UNTOLD:]


def _named(numbers):
    """As `mailmote alerts` names them: a title that a filter refused would be refused again."""
    if len(numbers) == 1:
        return "alert %d" % numbers[0]
    return "alerts %d to %d" % (numbers[0], numbers[-1])
