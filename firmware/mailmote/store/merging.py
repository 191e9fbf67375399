"""What a full outbox does: waiting records of one alarm become one, the oldest first.

The later record stands for both (`event.merged`): it keeps what is last, the worst value, since when, and how
many. It gets a new identity, for it is another mail: one with the old Message-ID might be taken for one that
arrived before. For the same reason records of a mail that was begun are left alone while there are others,
and so is the oldest, which is sent without a mark. What some have got already is merged with its like, or
they would get it again.

The new identity follows from that of the earlier record, so that a start knows one that a loss of power has
left beside the one that stands for it.
"""

import binascii
import struct

from .. import log
from ..errors import StorageError
from ..event import TEST, merged
from .outbox import MERGED_AT_ONCE
from .record import ENDS_DIGEST, NOT_BEGUN, Record


def make_room(outbox):
    """Merge some records; how many there are fewer. Raises StorageError where the flash fails."""
    oldest = outbox.waiting()[0]
    after = max(oldest, _last_of_digests(outbox))
    return (
        _merge(outbox, after, True)
        or _merge(outbox, oldest, True)
        or _merge(outbox, 0, False)
        or _merge(outbox, 0, False, True)
    )


def finish(outbox):
    """At a start with an outbox as full as after a merge: take out what another record stands for already."""
    identities = {}
    for number in outbox.waiting():
        record = outbox.peek(number)
        if record:
            identities[record.identity] = number
    for identity, number in identities.items():
        if identities.get(_merged_identity(identity), 0) > number:
            try:
                outbox.drop(number)
            except StorageError as error:
                log.error("outbox", "Alert %d will be told once more. %s", number, error)


def _merged_identity(earlier):
    """A CRC of 32 bits gives each number another one."""
    return binascii.crc32(struct.pack("<I", earlier))


def _last_of_digests(outbox):
    """The number of the last record up to which a digest may have been sent; 0 for none."""
    last = 0
    for number in outbox.waiting():
        record = outbox.peek(number)
        if record and record.begun == ENDS_DIGEST:
            last = number
    return last


def _merge(outbox, after, alike, begun=False):
    """Merge pairs of records with numbers above `after`; how many. `alike`: if both wait for the same;
    `begun`: though a mail with them was begun.

    What is on its way now is never merged: its delivery would take the other along.
    """
    earlier = {}  # by what must be the same of two records
    done = 0
    for number in outbox.waiting():
        record = outbox.load(number) if number > after and number not in outbox.in_flight else None
        if record is None or (record.begun != NOT_BEGUN and not begun) or record.event.kind >= TEST:
            continue
        key = (record.event.alarm, record.recipients_crc, record.pending if alike else None)
        if key not in earlier:
            earlier[key] = number
            continue
        first = outbox.peek(earlier[key])
        both = Record(
            merged(first.event, record.event),
            _merged_identity(first.identity),
            record.recipients_crc,
            first.pending | record.pending,
            first.refused & record.refused,
            dated=record.dated,
        )
        outbox.merge(earlier[key], number, both)
        earlier[key] = number
        done += 1
        if done == MERGED_AT_ONCE:
            break
    return done
