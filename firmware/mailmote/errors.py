"""The exceptions of mailmote, named by what the caller does next.

A foreign error (OSError, ValueError of the TLS library, EOFError) is converted where it enters, so that
the courier decides by class alone. The text of each says what happened, why, and what to do.
MicroPython allows an exception one base only; the classes therefore form a plain tree. A server may say a
secret back: no text of an exception holds one.
"""

from .redaction import redacted


class MailmoteError(Exception):
    """Base class. `key` names the row of the explanations table that tells the long story.

    `answered`: it is what the server said. Without it a mail that was on its way may have arrived.
    """

    answered = False

    def __init__(self, text, key="error"):
        text = redacted(text)
        super().__init__(text)
        self.text = text
        self.key = key

    def __str__(self):
        return self.text


class RetryNow(MailmoteError):
    """Try again at once, on a new connection."""


class RetryLater(MailmoteError):
    """The same attempt may succeed later: keep the alert and back off."""


class ProtocolError(RetryLater):
    """The peer broke SMTP: a malformed, oversized, contradictory or truncated reply."""


class GiveUp(MailmoteError):
    """This recipient, or this message, is refused for good: do not try it again."""


class FixSettings(MailmoteError):
    """A person must change something first: keep every alert, pause, say what to do."""


class SettingsError(FixSettings):
    """The settings on the board cannot be used."""


class SensorError(MailmoteError):
    """One reading failed; the sensor is asked again at its next turn."""


class EndOfReadings(MailmoteError):
    """The sensor has nothing more to tell: a recording that has come to its end."""


class StorageError(MailmoteError):
    """The flash is full or failing: the caller still holds what could not be stored."""
