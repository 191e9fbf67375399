"""Wi-Fi: the status numbers of network.WLAN, the reasons of the ESP32's driver, and its errors.

Sources: network_wlan.c, network_common.c and modnetwork.h of MicroPython's esp32 port (1.24 and newer), which
pass the driver's reason through as the status; "Wi-Fi Driver", Wi-Fi Reason Code, and "Error Codes
Reference", docs.espressif.com/projects/esp-idf.
"""

import re
from collections.abc import Iterator

from ..explanations.form import LongForm
from .form import Fault, Found

_LINKS = (
    "https://docs.espressif.com/projects/esp-idf/en/stable/esp32/api-guides/wifi.html#wi-fi-reason-code",
    "https://docs.micropython.org/en/latest/library/network.WLAN.html",
)
_MEANING = (
    "An ESP32 speaks 2.4 GHz Wi-Fi with WPA2 or WPA3 and a password; it can join neither 5 GHz networks "
    "nor those that want a user name. The board tries again by itself, ever more slowly, and keeps every "
    "alert meanwhile."
)
_PASSWORD = (
    "Check the network's password: mailmote secrets set wifi.password.",
    "See that the network is WPA2 or WPA3 with a password, not one with user names or a sign-in page.",
    "Go nearer to the access point: a weak signal looks the same.",
)
_NAME_STEPS = (
    "Compare ssid in mote.toml with the name of the network: small and capital letters count.",
    "See that it has 2.4 GHz: an ESP32 does not hear 5 GHz.",
    "Go nearer to the access point, or turn the board's antenna.",
)
_SIGNAL = (
    "See how well the board hears it: mailmote status tells the signal; below -80 dBm is weak.",
    "Restart the access point. Some drop old clients after an update.",
)

# Number, name, cause, fix, steps, harmless.
_STATUSES = (
    (
        200,
        "BEACON_TIMEOUT",
        "The access point was not heard any more: it is off, or too far away.",
        "Go nearer to the access point, or restart it.",
        _SIGNAL,
        False,
    ),
    (
        201,
        "NO_AP_FOUND",
        "No network of that name was heard.",
        "Check ssid in mote.toml, and that the network has 2.4 GHz and is in reach.",
        _NAME_STEPS,
        False,
    ),
    (
        202,
        "WRONG_PASSWORD, or AUTH_FAIL",
        "The access point refused the sign-in: mostly a wrong password.",
        "Set the password again: mailmote secrets set wifi.password.",
        _PASSWORD,
        False,
    ),
    (
        203,
        "ASSOC_FAIL",
        "The access point did not take the board in: it is full, filters addresses, or is far.",
        "Look for a limit or a filter of MAC addresses at the access point; go nearer.",
        _SIGNAL,
        False,
    ),
    (
        204,
        "HANDSHAKE_TIMEOUT",
        "The exchange of keys did not end in time: a wrong password or a weak signal.",
        "Check the password, then the signal.",
        _PASSWORD,
        False,
    ),
    (
        205,
        "CONNECTION_FAIL",
        "The connection to the access point failed.",
        "Restart the access point; check password and signal.",
        _SIGNAL,
        False,
    ),
    (
        210,
        "NO_AP_FOUND_W_COMPATIBLE_SECURITY",
        "The network is there, and its security is none that the board has.",
        "Set the network to WPA2 or WPA3 with a password.",
        _PASSWORD,
        False,
    ),
    (
        211,
        "NO_AP_FOUND_IN_AUTHMODE_THRESHOLD",
        "The network's security is weaker than the board accepts.",
        "Set the network to WPA2 or WPA3.",
        (),
        False,
    ),
    (
        212,
        "NO_AP_FOUND_IN_RSSI_THRESHOLD",
        "The network is too weak where the board stands.",
        "Go nearer to the access point.",
        _SIGNAL,
        False,
    ),
    (
        15,
        "4WAY_HANDSHAKE_TIMEOUT",
        "The exchange of keys did not end: mostly a wrong password.",
        "Set the password again: mailmote secrets set wifi.password.",
        _PASSWORD,
        False,
    ),
    (
        2,
        "AUTH_EXPIRE",
        "The access point forgot the board's sign-in: a weak signal, or a busy access point.",
        "Nothing to do at first: the board tries again. If it lasts, go nearer.",
        _SIGNAL,
        False,
    ),
    (
        8,
        "ASSOC_LEAVE",
        "The board left the network itself, as when it restarts its Wi-Fi.",
        "Nothing to do.",
        (),
        True,
    ),
    (1000, "IDLE", "The Wi-Fi is on, and nothing was asked of it.", "Nothing to do.", (), True),
    (
        1001,
        "CONNECTING",
        "The board is connecting, or waits for an address from DHCP.",
        "Wait. If it lasts, check ssid, password and the DHCP server.",
        _NAME_STEPS,
        True,
    ),
    (1010, "GOT_IP", "The board is connected and has an address.", "Nothing to do.", (), True),
)

_AGAIN = (
    "Restart the board. In a program of your own: wlan.active(False), then wlan.active(True), then connect."
)
_MEMORY = (
    "There was too little memory for Wi-Fi, which wants a large piece in one: it was begun too late.",
    "Restart the board. In a program of your own, call network.WLAN() before other imports.",
)
# esp_err_t, MicroPython's words after "Wifi ", cause, fix.
_ERRORS = (
    (0x3001, "Not Initialized", "Wi-Fi was used before it was set up.", _AGAIN),
    (
        0x3002,
        "Not Started",
        "Wi-Fi was used while it is off.",
        "In a program of your own, call wlan.active(True) first.",
    ),
    (0x3003, "Not Stopped", "Wi-Fi was to be changed while it is on.", _AGAIN),
    (
        0x3004,
        "Invalid Interface",
        "A function was called on the wrong side of Wi-Fi, station or access point.",
        "Use network.WLAN(network.WLAN.IF_STA).",
    ),
    (0x3005, "Invalid Mode", "A function was called that this mode of Wi-Fi does not have.", _AGAIN),
    (
        0x3006,
        "Internal State Error",
        "The board was told to connect while it was connecting already.",
        "Nothing to do: it tries again. In a program of your own, call disconnect() first.",
    ),
    (0x3007, "Internal Error", "The Wi-Fi driver is in a state from which it cannot connect.", _AGAIN),
    (
        0x3008,
        "Internal NVS Error",
        "The driver could not read its settings from the flash.",
        "Erase the flash and flash MicroPython again: mailmote flash.",
    ),
    (0x3009, "Invalid MAC Address", "The Wi-Fi address that was set is none.", "Take that setting out."),
    (
        0x300A,
        "SSID Invalid",
        "The name of the network cannot be used: it has 1 to 32 bytes.",
        "Correct ssid in mote.toml.",
    ),
    (
        0x300B,
        "Invalid Password",
        "The password cannot be one: WPA wants 8 to 63 characters.",
        "Set the password again: mailmote secrets set wifi.password.",
    ),
    (0x300C, "Timeout", "The Wi-Fi driver did not answer in time.", _AGAIN),
    (0x300D, "Wakeup Failure", "Wi-Fi did not wake up.", _AGAIN),
    (0x300E, "Would Block", "The driver is busy.", "Nothing to do: it is tried again."),
    (
        0x300F,
        "Not Connected",
        "The board is not connected, and something was asked that takes a connection.",
        "Wait until it is connected: the signal strength, for one, is known only then.",
    ),
    (0x0101, "ESP_ERR_NO_MEM", *_MEMORY),
    (
        0x0102,
        "ESP_ERR_INVALID_ARG",
        "Wi-Fi was given a value that it does not take, or not in this state.",
        _AGAIN,
    ),
    (0x0103, "ESP_ERR_INVALID_STATE", "Wi-Fi was asked for something that it cannot do now.", _AGAIN),
)


def _status(number: int, name: str, cause: str, fix: str, steps: tuple[str, ...], harmless: bool) -> Fault:
    return Fault(
        f"wifi-{number}",
        f"Wi-Fi status {number}, {name}",
        cause,
        fix,
        LongForm(_MEANING, steps, (), _LINKS),
        harmless,
    )


def _error(number: int, words: str, cause: str, fix: str) -> Fault:
    title = f"Wi-Fi error 0x{number:04x}, {words}"
    return Fault(f"wifi-0x{number:04x}", title, cause, fix, LongForm(_MEANING, (), (), _LINKS))


_BY_STATUS = {row[0]: _status(*row) for row in _STATUSES}
_BY_ERROR = {row[0]: _error(*row) for row in _ERRORS}
_NO_LINK = Fault(
    "wifi-no-link",
    "No link to the Wi-Fi",
    "The board could not join the Wi-Fi within 20 seconds.",
    "Check ssid in mote.toml and the password, and that the network has 2.4 GHz and is in reach.",
    LongForm(_MEANING, (*_NAME_STEPS, _PASSWORD[0]), (), _LINKS),
)
FAULTS = (_NO_LINK, *_BY_STATUS.values(), *_BY_ERROR.values())

_BARE = (200, 201, 202, 203, 204, 205, 210, 211, 212, 1000, 1001, 1010)
_IN_WORDS = re.compile(
    r"\b(?:wi-?fi|wlan|sta_disconnected|stat)\b.{0,40}?\b(?:reason|status|code)\W{1,6}(\d{1,4})\b", re.I
)
_STATUS_CALL = re.compile(r"\w\.status\(\)\W{0,6}(\d{1,4})\b")
_LOGGED = re.compile(r"\bNo link to '(?![^\n]*\(Wi-Fi status \d)")
_NUMBERED = re.compile(r"\bwi-?fi\b[^\n]{0,40}?\b0x([0-9a-f]{1,8})\b", re.I)
_WORDS = re.compile(
    r"\bwi-?fi (" + "|".join(sorted((re.escape(row[1]) for row in _ERRORS), key=len, reverse=True)) + r")\b",
    re.I,
)
_BY_WORDS = {row[1].lower(): _BY_ERROR[row[0]] for row in _ERRORS}
_NAMES = re.compile(r"\b(?:WIFI_REASON|STAT)_([A-Z0-9_]+)\b")
_BY_REASON = {row[1].split(",")[0]: _BY_STATUS[row[0]] for row in _STATUSES} | {
    "AUTH_FAIL": _BY_STATUS[202],
}


def find(text: str) -> Iterator[Found]:
    """Each status, reason and error of Wi-Fi."""
    bare = text.strip()
    if bare.isascii() and bare.isdigit() and int(bare) in _BARE:
        yield Found(0, _BY_STATUS[int(bare)])
    for pattern in (_IN_WORDS, _STATUS_CALL):
        for match in pattern.finditer(text):
            if int(match[1]) in _BY_STATUS:
                yield Found(match.start(), _BY_STATUS[int(match[1])])
    for match in _LOGGED.finditer(text):
        yield Found(match.start(), _NO_LINK)
    for match in _NUMBERED.finditer(text):
        if int(match[1], 16) in _BY_ERROR:
            yield Found(match.start(), _BY_ERROR[int(match[1], 16)])
    for match in _WORDS.finditer(text):
        yield Found(match.start(), _BY_WORDS[match[1].lower()])
    for match in _NAMES.finditer(text):
        if match[1] in _BY_REASON:
            yield Found(match.start(), _BY_REASON[match[1]])
