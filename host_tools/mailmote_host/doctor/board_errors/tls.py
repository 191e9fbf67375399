"""mbedTLS's numbers, which MicroPython prints bare, or with their names.

A number is a high-level error, a multiple of 0x80, plus a low-level one below 0x80 (error.h). Sources: ssl.h,
x509.h, pem.h, pk.h, ecp.h, bignum.h, net_sockets.h and error.h of Mbed TLS 3.6; of 2.28 for names it had.
"""

import re
from collections.abc import Iterator

from ..explanations.form import LongForm
from .form import Fault, Found

_NAME = re.compile(r"MBEDTLS_ERR_([A-Z0-9_]+)")
_HEX = re.compile(r"(?<![\w.])-0x([0-9a-fA-F]{3,4})(?!\w)")
_DECIMAL = re.compile(r"(?<![\w.-])-(\d{4,5})(?![\w.])")
_LINKS = ("https://github.com/Mbed-TLS/mbedtls/blob/mbedtls-3.6/include/mbedtls/ssl.h",)
_MEANING = (
    "mbedTLS is the library that encrypts the board's connections. It tells what went wrong as a negative "
    "number. The board sends no password and no token before TLS stands and the certificate is verified."
)

_PLAIN = (
    "The server answers in clear: it does not speak TLS on this port, or not yet.",
    "Ports 587 and 25 begin in clear and change with STARTTLS; 465 begins with TLS. Check host and port.",
)
_MEMORY = (
    "There was too little memory for TLS: a handshake takes one block of about 17 kB, and 30 kB in all.",
    "Use fewer sensors and alarms, restart the board, or use a board with SPIRAM.",
)
_UNTRUSTED = (
    "The server's certificate could not be verified: wrong clock, unknown CA, or another name than was "
    "dialled.",
    "Set the board's clock (NTP, UDP port 123), provision it again for its CA certificates, check host.",
)
_OFF_RULES = (
    "The two sides did not understand each other in the handshake: the server, or something on the way, "
    "sent what TLS does not allow there.",
    "Check host and port, and that no firewall opens the board's TLS; then try again.",
)
_OWN_KEY = (
    "The board's own certificate or key cannot be used.",
    "Give them again, as PEM, the key unencrypted: mailmote provision.",
)
_ENDED = ("The connection ended in the middle of TLS.", "Try again. If it lasts, a firewall cuts it.")
_BAD_FILE = (
    "A certificate could not be read: it is damaged, or in a form that mbedTLS does not know.",
    "Export it again, as PEM or DER, and provision the board.",
)
_OLD = (
    "The two sides share no version of TLS: the board takes 1.2 and newer.",
    "Let whoever runs the server turn TLS 1.2 on.",
)

# Number, name after MBEDTLS_ERR_, (cause, fix).
_ROWS = (
    (
        0x7080,
        "SSL_FEATURE_UNAVAILABLE",
        (
            "The server wants something that the board's TLS was built without.",
            "Use TLS 1.2 with ECDHE and AES-GCM on the server.",
        ),
    ),
    (
        0x7100,
        "SSL_BAD_INPUT_DATA",
        (
            "A record came that is longer than TLS allows: mostly, the server does not speak TLS on this "
            "port.",
            _PLAIN[1],
        ),
    ),
    (
        0x7180,
        "SSL_INVALID_MAC",
        (
            "A record was changed on the way, or the keys of the two sides differ.",
            "Try again. If it lasts, look for what tampers with the connection.",
        ),
    ),
    (0x7200, "SSL_INVALID_RECORD", _PLAIN),
    (
        0x7280,
        "SSL_CONN_EOF",
        (
            "The server closed the connection during the handshake.",
            "Check host and port. Some servers close on a client that they do not want.",
        ),
    ),
    (0x7300, "SSL_DECODE_ERROR", _OFF_RULES),
    (
        0x7380,
        "SSL_NO_CIPHER_CHOSEN",
        ("The two sides share no cipher suite.", "Turn ECDHE with AES-GCM on at the server."),
    ),
    (0x7400, "SSL_NO_RNG", ("mbedTLS got no random numbers.", "Use an official image of MicroPython.")),
    (0x7480, "SSL_NO_CLIENT_CERTIFICATE", _OWN_KEY),
    (0x7600, "SSL_PRIVATE_KEY_REQUIRED", _OWN_KEY),
    (
        0x7680,
        "SSL_CA_CHAIN_REQUIRED",
        (
            "A certificate was to be verified, and the board had no CA certificates loaded.",
            "Provision the board again, which gives it the public roots.",
        ),
    ),
    (0x7700, "SSL_UNEXPECTED_MESSAGE", _OFF_RULES),
    (
        0x7780,
        "SSL_FATAL_ALERT_MESSAGE",
        (
            "The server ended the handshake with an alert: it has no TLS 1.2 with ECDHE and AES-GCM, does "
            "not know the name that was asked for, or refuses the board's certificate.",
            "Check host, which the server sees in the handshake, and the board's certificate if it has one.",
        ),
    ),
    (
        0x7800,
        "SSL_UNRECOGNIZED_NAME",
        (
            "The server does not know the name that it was called by.",
            "Set host in mote.toml to the server's own name.",
        ),
    ),
    (
        0x7880,
        "SSL_PEER_CLOSE_NOTIFY",
        (
            "The server closed the connection in good order.",
            "Nothing to do: it is the normal end, and the next attempt connects anew.",
        ),
    ),
    (
        0x7A00,
        "SSL_BAD_CERTIFICATE",
        (
            "The server's certificate is not one for a server, or cannot be read.",
            "Let whoever runs the server renew it, with the extended key usage for server authentication.",
        ),
    ),
    (
        0x7B00,
        "SSL_RECEIVED_NEW_SESSION_TICKET",
        (
            "The server offered to resume the connection later: no fault, unless a program takes it for one.",
            "In a program of your own, read again.",
        ),
    ),
    (0x7F00, "SSL_ALLOC_FAILED", _MEMORY),
    (0x6E00, "SSL_HANDSHAKE_FAILURE", _OFF_RULES),
    (0x6E80, "SSL_BAD_PROTOCOL_VERSION", _OLD),
    (
        0x6C00,
        "SSL_INTERNAL_ERROR",
        ("mbedTLS failed inside; on a board this is mostly a lack of memory.", _MEMORY[1]),
    ),
    (
        0x6A00,
        "SSL_BUFFER_TOO_SMALL",
        (
            "A message of TLS is larger than the board's buffer of 16 kB.",
            "Send a shorter certificate chain from the server.",
        ),
    ),
    (
        0x6900,
        "SSL_WANT_READ",
        (
            "TLS waits for the server: no fault, unless a program takes it for one.",
            "In a program of your own, wait and read again.",
        ),
    ),
    (
        0x6880,
        "SSL_WANT_WRITE",
        (
            "TLS waits until the network takes more: no fault, unless a program takes it for one.",
            "In a program of your own, wait and write again.",
        ),
    ),
    (
        0x6800,
        "SSL_TIMEOUT",
        (
            "The server did not answer in the handshake.",
            "Try again. If it lasts, test from another computer of the same network.",
        ),
    ),
    (0x6700, "SSL_UNEXPECTED_RECORD", _OFF_RULES),
    (
        0x6600,
        "SSL_ILLEGAL_PARAMETER",
        (
            "The server sent what this build of TLS cannot take, as a signature by RSA-PSS in TLS 1.2.",
            "Update MicroPython on the board; on a server of your own use an ECDSA or a plain RSA "
            "certificate.",
        ),
    ),
    (
        0x5E80,
        "SSL_BAD_CONFIG",
        (
            "The settings of TLS in the program contradict each other.",
            "In a program of your own, set CERT_REQUIRED, the CA and the host's name.",
        ),
    ),
    (0x2700, "X509_CERT_VERIFY_FAILED", _UNTRUSTED),
    (0x2180, "X509_INVALID_FORMAT", _BAD_FILE),
    (0x2400, "X509_INVALID_DATE", _BAD_FILE),
    (0x2780, "X509_CERT_UNKNOWN_FORMAT", _BAD_FILE),
    (0x2880, "X509_ALLOC_FAILED", _MEMORY),
    (0x3000, "X509_FATAL_ERROR", _MEMORY),
    (0x1080, "PEM_NO_HEADER_FOOTER_PRESENT", _BAD_FILE),
    (0x1100, "PEM_INVALID_DATA", _BAD_FILE),
    (0x3D00, "PK_KEY_INVALID_FORMAT", _OWN_KEY),
    (0x3C00, "PK_PASSWORD_REQUIRED", _OWN_KEY),
    (0x3B80, "PK_PASSWORD_MISMATCH", _OWN_KEY),
    (
        0x3F00,
        "PK_TYPE_MISMATCH",
        ("Key and certificate do not belong together, or are of different kinds.", _OWN_KEY[1]),
    ),
    (0x3F80, "PK_ALLOC_FAILED", _MEMORY),
    (0x4D80, "ECP_ALLOC_FAILED", _MEMORY),
    (0x0010, "MPI_ALLOC_FAILED", _MEMORY),
    (0x004C, "NET_RECV_FAILED", _ENDED),
    (0x004E, "NET_SEND_FAILED", _ENDED),
    (0x0050, "NET_CONN_RESET", _ENDED),
)

_LOW = 0x7F
_LEAST_HIGH = 0x1000
_KEYS_OF_MEMORY = ("ALLOC_FAILED",)


def _fault(number: int, name: str, words: tuple[str, str]) -> Fault:
    key = "mbedtls-" + name.lower().replace("_", "-")
    title = f"mbedTLS -0x{number:04X} = -{number}, MBEDTLS_ERR_{name}"
    return Fault(key, title, *words, LongForm(_MEANING, (), (), _LINKS))


FAULTS = tuple(_fault(*row) for row in _ROWS)
_BY_NUMBER = {row[0]: fault for row, fault in zip(_ROWS, FAULTS, strict=True)}
_BY_NAME = {row[1]: fault for row, fault in zip(_ROWS, FAULTS, strict=True)} | {
    # Names that Mbed TLS 2 had for the same numbers, or nearly.
    "SSL_BAD_HS_CERTIFICATE": _BY_NUMBER[0x7A00],
    "SSL_BAD_HS_PROTOCOL_VERSION": _BY_NUMBER[0x6E80],
    "SSL_BAD_HS_SERVER_HELLO": _BY_NUMBER[0x6E00],
    "SSL_BAD_HS_SERVER_KEY_EXCHANGE": _BY_NUMBER[0x6E00],
    "SSL_BAD_HS_FINISHED": _BY_NUMBER[0x6E00],
    "SSL_NO_USABLE_CIPHERSUITE": _BY_NUMBER[0x7380],
    "SSL_PEER_VERIFY_FAILED": _BY_NUMBER[0x2700],
}


def find(text: str) -> Iterator[Found]:
    """Each number or name of mbedTLS that the table has."""
    for match in _NAME.finditer(text):
        fault = _BY_NAME.get(match[1])
        if fault is None and match[1].endswith(_KEYS_OF_MEMORY):
            fault = _BY_NUMBER[0x0010]
        if fault:
            yield Found(match.start(), fault)
    for pattern, base in ((_HEX, 16), (_DECIMAL, 10)):
        for match in pattern.finditer(text):
            fault = of_number(int(match[1], base))
            if fault:
                yield Found(match.start(), fault)


def of_number(number: int) -> Fault | None:
    """The fault of a number without its sign: where it is a sum, that of the part which tells more."""
    if number in _BY_NUMBER or number < _LEAST_HIGH:
        return _BY_NUMBER.get(number)
    low = _BY_NUMBER.get(number & _LOW)
    return low or _BY_NUMBER.get(number & ~_LOW)
