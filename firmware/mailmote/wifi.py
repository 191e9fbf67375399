"""The Wi-Fi link that the settings ask for."""

from . import log
from .errors import FixSettings
from .net.link import Link
from .redaction import hide
from .store import secrets


def link_of(wifi):
    """The Link for the wifi table of the settings, or for none. What is no use is told in the log."""
    if not wifi:
        return Link(None, None)
    password = ""
    try:
        secret = secrets.get(wifi["password"])
        hide(secret)
        password = secret.decode()
    except FixSettings as error:
        log.error("wifi", error)
    except ValueError:
        log.error("wifi", "The Wi-Fi password on the board is not UTF-8 text. Provision it again.")
    return Link(wifi["ssid"], password)
