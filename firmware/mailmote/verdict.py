"""What the results of a mail mean for its alerts and their recipients."""

from .errors import FixSettings, GiveUp

_CONTENT = "content-refused"  # of a digest: perhaps of one of its alerts
# A refusal for good that only its class tells: some servers say so at RCPT of a sender or client they refuse.
_UNKNOWN_REASONS = ("recipient-refused", _CONTENT)


class Verdict:
    """On a Mail, by the `results` of its `pending` recipients: None for delivered, or an exception.

    `answered` is a mask of those who need no other try, `refused` a list of (index, error) of those among
    them who do not get it, `failed` what keeps others pending, or None. `apart`: its content is refused,
    perhaps for one of its alerts, so each is to be sent alone.
    """

    def __init__(self, mail, pending, results):
        self.answered = 0
        self.refused = []
        self.failed = None
        several = len(mail.numbers) > 1
        self.apart = several and any(result is not None and result.key == _CONTENT for result in results)
        everyone = (1 << len(mail.recipients)) - 1
        nobody = mail.last.pending | mail.last.refused == everyone and None not in results
        for index, result in zip(pending, results):
            if isinstance(result, GiveUp) and (
                (several and result.key == _CONTENT) or (nobody and result.key in _UNKNOWN_REASONS)
            ):
                result = FixSettings(result.text, result.key)
            if result is not None and not isinstance(result, GiveUp):
                self.failed = self.failed if isinstance(self.failed, FixSettings) else result
                continue
            self.answered |= 1 << index
            if result:
                self.refused.append((index, result))

    @property
    def refused_mask(self):
        mask = 0
        for index, _ in self.refused:
            mask |= 1 << index
        return mask
