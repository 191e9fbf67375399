"""Every difference between MicroPython and CPython. Nothing else asks which one it runs on.

MicroPython's asyncio differs from CPython's in what the streams offer, in the class of a timeout and in
how a connected stream becomes a TLS one; its clock may count from 2000; its tls module has no defaults
that verify. The facts are in docs/decisions/003-two-runtimes.md.
"""

import asyncio
import gc
import sys
import time

MICROPYTHON = sys.implementation.name == "micropython"

_EPOCH_2000_S = 946684800  # the ESP32 port counts from 2000-01-01
_epoch_s = _EPOCH_2000_S if time.gmtime(0)[0] == 2000 else 0


def unix_time():
    """Seconds since 1970, as the board's clock has it: not set after power-on until something sets it."""
    return int(time.time()) + _epoch_s


if MICROPYTHON:
    import tls
    from micropython import const
    from time import ticks_add, ticks_diff, ticks_ms

    _CIPHERS = (
        "TLS-ECDHE-RSA-WITH-AES-256-GCM-SHA384",
        "TLS-ECDHE-RSA-WITH-AES-128-GCM-SHA256",
        "TLS-ECDHE-ECDSA-WITH-AES-256-GCM-SHA384",
        "TLS-ECDHE-ECDSA-WITH-AES-128-GCM-SHA256",
    )

    class NeverRaised(Exception):
        pass
