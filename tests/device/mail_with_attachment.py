"""Read a mail with an attachment of 1 MB through dot-stuffing, as a session does; print one line of JSON.

    micropython -X heapsize=48K mail_with_attachment.py PATH-ENTRIES file|blocks

CPython runs it too, to tell which octets must come out. `kept_bytes` is what the sending holds in the middle
of the mail, `made_bytes` what a chunk of 512 leaves to the garbage collector.
"""

import binascii
import gc
import json
import sys

sys.path[:0] = sys.argv[1].split(":")

from mailmote.mail.message import Message  # noqa: E402
from mailmote.smtp.dots import DotStuffer  # noqa: E402

_BLOCKS = 2048
_BLOCK = bytearray(number * 7 & 255 for number in range(512))


class Recording:
    """A binary file of 1 MiB that is nowhere."""

    def __init__(self):
        self._number = 0

    def readinto(self, buffer):
        if self._number == _BLOCKS:
            return 0
        buffer[: len(_BLOCK)] = _BLOCK
        buffer[0] = self._number & 255
        self._number += 1
        return len(_BLOCK)


def blocks():
    """The same content, as blocks."""
    for number in range(_BLOCKS):
        _BLOCK[0] = number & 255
        yield _BLOCK


def used():
    """Bytes of the heap in use, or 0 where the interpreter does not tell."""
    return gc.mem_alloc() if hasattr(gc, "mem_alloc") else 0


opener = Recording if sys.argv[2] == "file" else blocks
mail = Message(
    "a@contoso.com",
    ("b@contoso.com",),
    "Readings",
    "1@contoso.com",
    "Mon, 16 Dec 2013 15:40:00 +0000",
    ["line %d\n" % number for number in range(20)],
    attachments=(("readings.bin", "application/octet-stream", opener),),
)
size = mail.measure(True)
gc.collect()
before = used()
stuffer = DotStuffer()
crc = octets = made = kept = 0
for count, chunk in enumerate(mail.chunks()):
    octets += len(chunk)
    crc = binascii.crc32(stuffer.feed(chunk), crc)
    if count == 1000:
        gc.collect()
        made = used()
        kept = made - before
        gc.disable()
    elif count == 1002:
        made = (used() - made) // 2
        gc.enable()
crc = binascii.crc32(stuffer.finish(), crc)
print(json.dumps({"size": size, "octets": octets, "crc": crc, "kept_bytes": kept, "made_bytes": made}))
