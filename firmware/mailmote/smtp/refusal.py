"""A reply that refuses becomes the exception that says what the caller does next."""

from ..errors import FixSettings, GiveUp, RetryLater, RetryNow
from ..explanations import explain
from . import replies

_CLASSES = {
    replies.RETRY_NOW: RetryNow,
    replies.RETRY_LATER: RetryLater,
    replies.GIVE_UP: GiveUp,
    replies.FIX_SETTINGS: FixSettings,
}


def refusal(reply, stage):
    """The exception for `reply` at `stage`; its text has the reply, the cause and the fix."""
    key, action = replies.classify(reply.code, reply.enhanced, reply.text, stage)
    cause, fix = explain(key)
    error = _CLASSES[action]('The server answered "%s". %s %s' % (reply, cause, fix), key)
    error.answered = True
    return error
