"""The long form of every explanation: what the server means, the steps, the commands, the pages.

The board's short form, with the rules that find the key of a reply, is `mailmote.explanations`; keys and
parts are the same. `<mailbox>` and the like are for the reader to fill in. Commands are for PowerShell, after
`Connect-ExchangeOnline`, or where they begin with it, `Connect-Entra`.
"""

from . import entra, general, local, mailbox, mx, oauth, sign_in, trust
from .form import LongForm

__all__ = ["LONG_FORMS", "LongForm"]

LONG_FORMS: dict[str, LongForm] = {
    **sign_in.LONG_FORMS,
    **mailbox.LONG_FORMS,
    **mx.LONG_FORMS,
    **general.LONG_FORMS,
    **entra.LONG_FORMS,
    **oauth.LONG_FORMS,
    **local.LONG_FORMS,
    **trust.LONG_FORMS,
}
