"""Why there is no Wi-Fi link, in words. Loaded when a link fails, and let go again.

The numbers are those of WLAN.status(), which hands on the reason of the ESP32's driver: these it tells while
the driver still tries (MicroPython 1.22 and newer, network_wlan.c). Others read "connecting".
"""

from ..errors import FixSettings, RetryLater

_LOST_AGAIN = 0  # of link.py: there was an address for a moment
_UNKNOWN = ("", "Check the Wi-Fi name and password, and that it is a 2.4 GHz network.")
# Number: cause, fix.
_WORDS = {
    _LOST_AGAIN: (": it was lost again at once", "Go nearer to the access point, or restart it."),
    201: (
        ": no network of that name is heard",
        "Check ssid in mote.toml, and that the network has 2.4 GHz and is in reach.",
    ),
    202: (
        ": the access point refuses the sign-in, mostly for a wrong password",
        "Set it again: mailmote secrets set wifi.password.",
    ),
    210: (": its security is none that the board has", "Set the network to WPA2 or WPA3 with a password."),
    211: (": its security is weaker than the board accepts", "Set the network to WPA2 or WPA3."),
    212: (": it is too weak where the board stands", "Go nearer to the access point."),
}
_PASSING = (_LOST_AGAIN, 212)


def trouble(status, ssid, lasts):
    """The exception for a link that failed with `status`; its number may be any.

    It asks for a person only if it `lasts`: an access point that restarts looks the same for a while.
    """
    cause, fix = _WORDS.get(status, _UNKNOWN)
    told = status in _WORDS
    kind = FixSettings if lasts and told and status not in _PASSING else RetryLater
    number = " (Wi-Fi status %d)" % status if told and status else ""
    key = "wifi-%d" % status if number else "wifi-no-link"
    return kind("No link to %r%s%s. %s" % (ssid, number, cause, fix), key)
