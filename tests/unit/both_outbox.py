"""The outbox and its records: on CPython in a folder, on MicroPython on real littlefs in memory."""

import binascii
import os
import struct
import sys

from expect import equal, raises
from flash_folder import on_flash

from mailmote import event, log
from mailmote.errors import StorageError
from mailmote.store import outbox, record

log.level = 100  # what is moved aside is told on the console
TO = ["a@contoso.test", "b@contoso.test"]


def sample(name="Freezer too warm", readings=6):
    return event.Event(
        event.ALARM,
        event.ABOVE,
        name,
        1387207500,
        1387208400,
        -7.5,
        -15.0,
        -6.25,
        tuple((300 * age, -8.5 + age) for age in range(readings)),
    )


def fields(one):
    return tuple(getattr(one, name) for name in event.Event.__slots__)


def test_a_record_comes_back_as_it_was():
    none = event.Event(event.RECOVERY, event.NO_READING, "\u03b1\u2603", 1, 2)
    for one in (sample(), none):
        kept = record.Record(one, 0xDEADBEEF, 0xABCD, 0b101, 0b010, record.ALONE, one is none)
        back = record.decode(record.encode(kept))
        equal(fields(back.event), fields(one))
        equal(
            (back.identity, back.recipients_crc, back.pending, back.refused, back.begun, back.dated),
            (0xDEADBEEF, 0xABCD, 0b101, 0b010, record.ALONE, one is none),
        )


def test_a_record_of_a_test_mail_comes_back_and_one_of_before_there_were_any_is_read_as_ever():
    test = event.Event(event.TEST, 0, "", 1387208400, 1387208400)
    equal(fields(record.decode(record.encode(record.Record(test, 1, 1))).event), fields(test))
    old = (
        "a13f1102d01eaf524c1baf52efbeadde0000f0c0000070c10000c8c00500000002000000cdab08546f6f20636f6c64"
        "4b00000008c100000000f0c046cc19a8"
    )
    back = record.decode(bytes([int(old[at : at + 2], 16) for at in range(0, len(old), 2)])).event
    equal((back.kind, back.cause, back.title), (event.REMINDER, event.BELOW, "Too cold"))
    equal((back.since_s, back.at_s, back.readings), (1387207500, 1387208400, ((300, -8.5), (0, -7.5))))


def test_the_largest_record_stays_inline():
    data = record.encode(record.Record(sample("\u00e4" * 20), 0xFFFFFFFF, 0xFFFF))
    equal(len(data), 126)
    if len(data) >= record.MAX_BYTES:
        raise AssertionError("littlefs would need a block of its own for it")


def test_ages_reach_over_days():
    one = sample()
    one.readings = ((20 * 3600, 1.0), (4 * 86400, 2.0))
    back = record.decode(record.encode(record.Record(one, 1, 1)))
    equal(back.event.readings, ((20 * 3600, 1.0), (0xFFFF * 4, 2.0)))


def test_any_flipped_bit_and_any_cut_is_noticed():
    data = record.encode(record.Record(sample(), 7, 7))
    for position in range(len(data)):
        for bit in (0, 3, 7):
            bad = bytearray(data)
            bad[position] ^= 1 << bit
            raises(StorageError, record.decode, bad)
        raises(StorageError, record.decode, data[:position])
    raises(StorageError, record.decode, data + b"\0")


def test_what_is_kept_survives_a_restart_in_order():
    def check():
        box = outbox.Outbox()
        for name in ("one", "two", "three"):
            box.enqueue(sample(name), TO)
        again = outbox.Outbox()
        equal([again.load(number).event.alarm for number in again.waiting()], ["one", "two", "three"])
        last = again.waiting()[-1]
        again.enqueue(sample("four"), TO)
        equal(again.waiting()[-1], last + 1)

    on_flash(check)


def test_two_alerts_have_two_identities():
    def check():
        box = outbox.Outbox()
        for _ in range(2):
            box.enqueue(sample(), TO)
        one, two = (box.load(number).identity for number in box.waiting())
        if one == two:
            raise AssertionError("their Message-IDs would be the same")

    on_flash(check)


def test_a_delivered_alert_leaves_no_file():
    def check():
        box = outbox.Outbox()
        box.enqueue(sample(), TO)
        (number,) = box.waiting()
        box.close(number, box.load(number))
        equal((len(box), os.listdir("outbox"), os.listdir("refused")), (0, [], []))

    on_flash(check)


def test_who_is_pending_is_remembered():
    def check():
        box = outbox.Outbox()
        box.enqueue(sample(), TO)
        (number,) = box.waiting()
        kept = box.load(number)
        kept.pending = 0b10
        box.update(number, kept)
        equal(outbox.Outbox().load(number).pending, 0b10)

    on_flash(check)


def test_a_refused_alert_is_kept_apart():
    def check():
        box = outbox.Outbox()
        box.enqueue(sample(), TO)
        (number,) = box.waiting()
        kept = box.load(number)
        kept.pending, kept.refused = 0, 0b11
        box.close(number, kept)
        equal((len(box), os.listdir("outbox"), len(os.listdir("refused"))), (0, [], 1))
        equal(len(outbox.Outbox()), 0)

    on_flash(check)


def test_where_a_record_is_can_be_asked_and_looking_moves_nothing():
    def check():
        box = outbox.Outbox()
        numbers = [box.enqueue(sample(name), TO) for name in ("one", "two", "three", "four")]
        equal(numbers, [1, 2, 3, 4])
        box.close(1, box.load(1))
        kept = box.load(2)
        kept.pending, kept.refused = 0, 0b10
        box.close(2, kept)
        with open("outbox/00000003", "wb") as file:
            file.write(b"no record")
        equal((box.peek(3), box.bad, box.state(3)), (None, 0, "waiting"))
        box.load(3)
        states = [box.state(number) for number in (0, 1, 2, 3, 4, 5)]
        equal(states, ["unknown", "delivered", "refused", "damaged", "waiting", "unknown"])
        equal((box.refused(), box.waiting()), ([2], (4,)))
        equal((box.peek(2).refused, box.peek(4).event.alarm, box.peek(1)), (0b10, "four", None))

    on_flash(check)


def test_a_damaged_record_is_moved_aside_and_counted_once():
    def check():
        box = outbox.Outbox()
        for name in ("one", "two"):
            box.enqueue(sample(name), TO)
        first = box.waiting()[0]
        path = "outbox/%08x" % first
        with open(path, "rb") as file:
            data = bytearray(file.read())
        data[20] ^= 1
        with open(path, "wb") as file:
            file.write(data)
        equal(box.load(first), None)
        equal((box.bad, len(box), len(os.listdir("bad"))), (1, 1, 1))
        equal((outbox.Outbox().bad, len(outbox.Outbox())), (1, 1))

    on_flash(check)


def test_a_half_written_file_of_a_power_cut_is_cleared_away():
    def check():
        box = outbox.Outbox()
        box.enqueue(sample(), TO)
        with open("outbox/tmp", "wb") as file:
            file.write(b"half")
        again = outbox.Outbox()
        equal((len(again), again.bad, os.listdir("outbox")), (1, 0, ["00000001"]))

    on_flash(check)


def test_a_full_outbox_merges_what_it_has_of_one_alarm_and_loses_no_count():
    def check():
        box = outbox.Outbox()
        for number in range(outbox.MAX_RECORDS + 20):
            one = sample("odd" if number % 3 else "even", 1)
            one.at_s = one.first_s = 1387208400 + number
            one.extreme = -6.0 + number % 7
            box.enqueue(one, TO)
        kept = [box.load(number).event for number in box.waiting()]
        equal(len(kept) <= outbox.MAX_RECORDS, True)
        equal(sum([one.count for one in kept]), outbox.MAX_RECORDS + 20)
        equal((len(kept) + box.merged, min([one.first_s for one in kept])), (220, 1387208400))
        first = [one for one in kept if one.count > 1][0]
        equal((first.alarm, first.at_s > first.first_s, first.extreme), ("even", True, 0.0))

    on_flash(check, 64)


def test_a_full_outbox_without_two_of_one_alarm_says_so():
    def check():
        box = outbox.Outbox()
        for number in range(outbox.MAX_RECORDS):
            box.enqueue(sample("alarm %d" % number, 0), TO)
        equal(raises(StorageError, box.enqueue, sample("one more", 0), TO).key, "outbox-full")
        equal(len(box), outbox.MAX_RECORDS)

    on_flash(check, 64)


def test_a_full_outbox_without_memory_to_merge_keeps_what_it_has_and_says_so():
    def no_memory(path):
        raise MemoryError

    def check():
        box = outbox.Outbox()
        for _ in range(outbox.MAX_RECORDS):
            box.enqueue(sample("one", 0), TO)
        borrow, outbox.compat.borrow = outbox.compat.borrow, no_memory
        try:
            equal(raises(StorageError, box.enqueue, sample("one", 0), TO).key, "outbox-full")
        finally:
            outbox.compat.borrow = borrow
        equal((len(box), box.merged), (outbox.MAX_RECORDS, 0))
        box.enqueue(sample("one", 0), TO)
        equal(box.merged > 0, True)

    on_flash(check, 64)


def test_a_merge_that_a_power_cut_halved_is_finished_at_the_next_start():
    def check():
        box = outbox.Outbox()
        for number in range(outbox.MAX_RECORDS):
            box.enqueue(sample("one" if 0 < number < 4 else "alarm %d" % number, 0), TO)
        dropped = []

        def cut(number):
            if dropped:
                raise StorageError("the power is gone")
            dropped.append(number)
            outbox.Outbox.drop(box, number)

        box.drop = cut
        raises(StorageError, box.enqueue, sample("one more", 0), TO)
        equal((dropped, sorted(os.listdir("outbox"))[1:3]), ([2], ["00000003", "00000004"]))
        again = outbox.Outbox()
        equal((again.waiting()[1], again.load(4).event.count, len(again)), (4, 3, outbox.MAX_RECORDS - 2))

    on_flash(check, 64)


def test_merged_records_are_pending_for_whom_either_was_and_are_another_mail():
    def check():
        box = outbox.Outbox()
        for number in range(outbox.MAX_RECORDS):
            box.enqueue(sample("one" if number < 2 else "alarm %d" % number, 0), TO)
        first, second = (box.load(number) for number in (1, 2))
        first.pending, second.pending = 0b01, 0b10
        box.update(1, first)
        box.update(2, second)
        box.enqueue(sample("one more", 0), TO)
        last = box.waiting()[0]
        kept = box.load(last)
        equal((last, kept.event.count, kept.pending & 0b11), (2, 2, 0b11))
        equal(kept.identity in (first.identity, second.identity), False)

    on_flash(check, 64)


def test_what_some_have_got_and_the_oldest_which_may_be_on_its_way_are_merged_last():
    def check():
        box = outbox.Outbox()
        for _ in range(outbox.MAX_RECORDS):
            box.enqueue(sample("one", 0), TO)
        before = [box.load(number) for number in (1, 2)]
        before[1].pending = 0b10
        box.update(2, before[1])
        box.enqueue(sample("one", 0), TO)
        equal((box.waiting()[:3], box.load(11).event.count), ((1, 2, 11), 9))
        for number in (1, 2):
            kept, was = box.load(number), before[number - 1]
            equal((kept.identity, kept.pending, kept.event.count), (was.identity, was.pending, 1))

    on_flash(check, 64)


def test_what_a_digest_may_have_told_is_not_merged_while_there_is_other():
    def check():
        box = outbox.Outbox()
        for _ in range(outbox.MAX_RECORDS):
            box.enqueue(sample("one", 0), TO)
        end = box.load(5)
        end.begun = record.ENDS_DIGEST
        box.update(5, end)
        alone = box.load(7)
        alone.begun = record.ALONE
        box.update(7, alone)
        box.enqueue(sample("one", 0), TO)
        equal(box.waiting()[:6], (1, 2, 3, 4, 5, 7))
        equal([box.load(number).event.count for number in (1, 5, 7)], [1, 1, 1])

    on_flash(check, 64)


def test_what_may_have_arrived_is_merged_at_the_very_last_but_not_while_it_is_on_its_way():
    for begun in (record.ALONE, record.ENDS_DIGEST):

        def check(begun=begun):
            box = outbox.Outbox()
            for number in range(1, outbox.MAX_RECORDS + 1):
                box.enqueue(sample("one", 0), TO)
                one = box.load(number)
                one.begun = begun
                box.update(number, one)
            box.in_flight = (2, 3)
            box.enqueue(sample("one", 0), TO)
            equal(box.waiting()[:3], (2, 3, 11))
            counts = [(kept.event.count, kept.begun) for kept in [box.load(number) for number in (2, 3, 11)]]
            equal(counts, [(1, begun), (1, begun), (9, record.NOT_BEGUN)])

        on_flash(check, 64)


def test_what_was_said_of_refused_recipients_fills_no_flash():
    """One who is refused while others are busy is refused each alert of a storm, and merged ones again."""
    text = "a@contoso.test does not get it"

    def check():
        box = outbox.Outbox()
        for _ in range(outbox.MAX_RECORDS):
            box.enqueue(sample("one", 0), TO, True)
        box.keep_reply(5, text)
        box.enqueue(sample("one", 0), TO, True)
        kept = box.load(10)
        equal((5 in box.waiting(), box.replies(5), kept.event.count, kept.dated), (False, [], 9, True))
        for number in range(101, 201):
            box.keep_reply(number, text)
            equal(len(os.listdir("refused")) <= 40, True)
        equal(box.untold(), list(range(161, 201)))
        with open("refused/000003e7.why", "w") as file:
            file.write("of a record that the power took")
        box = outbox.Outbox()
        equal((box.replies(999), box.untold()), ([], list(range(161, 201))))

    on_flash(check, 256)


def test_what_was_said_of_a_refused_recipient_is_kept_until_it_is_told_and_after():
    def check():
        box = outbox.Outbox()
        box.enqueue(sample(), TO)
        box.keep_reply(1, "a@contoso.test does not get it. 550 5.1.1 \u00fc")
        kept = box.load(1)
        kept.pending, kept.refused = 0b10, 0b01
        box.update(1, kept)
        again = outbox.Outbox()
        again.keep_reply(1, "b@contoso.test neither")
        kept.pending, kept.refused = 0, 0b11
        again.close(1, kept)
        said = ["a@contoso.test does not get it. 550 5.1.1 \u00fc", "b@contoso.test neither"]
        equal((again.replies(1), again.untold(), again.refused()), (said, [1], [1]))
        again.told([1])
        equal((again.replies(1), again.untold(), outbox.Outbox().untold()), (said, [], []))
        again.keep_reply(1, "x" * 700)
        equal((len(again.replies(1)), again.replies(2)), (1, []))

    on_flash(check)


def test_of_what_is_refused_or_damaged_the_newest_is_kept():
    def check():
        box = outbox.Outbox()
        for number in range(1, 64):
            box.enqueue(sample("one", 0), TO)
            if number % 3:
                kept = box.load(number)
                kept.pending, kept.refused = 0, 0b01
                box.keep_reply(number, "no")
                box.close(number, kept)
            else:
                with open("outbox/%08x" % number, "wb") as file:
                    file.write(b"damaged")
                box.load(number)
        equal((len(box.refused()), box.refused()[-1], len(os.listdir("refused"))), (40, 62, 80))
        equal((len(os.listdir("bad")), box.state(63), box.bad), (20, "damaged", 21))

    on_flash(check, 64)


def test_a_full_flash_says_so_and_keeps_what_it_has():
    if sys.implementation.name != "micropython":
        return  # a folder of this computer does not get full; littlefs does, on MicroPython

    def check():
        box = outbox.Outbox()
        box.enqueue(sample(), TO)
        try:
            with open("filler", "wb") as file:
                while True:
                    file.write(b"x" * 512)
        except OSError:
            pass
        failures = 0
        for _ in range(60):
            try:
                box.enqueue(sample(), TO)
            except StorageError as error:
                equal(error.key, "flash-failed")
                failures += 1
                break
        equal(failures, 1)
        again = outbox.Outbox()
        equal((len(again), again.bad), (len(box), 0))
        again.close(1, again.load(1))

    on_flash(check, 8)


def test_a_number_is_never_given_twice():
    def check():
        for expected in (1, 2, 3):
            box = outbox.Outbox()
            box.enqueue(sample(), TO)
            (number,) = box.waiting()
            equal(number, expected)
            kept = box.load(number)
            kept.pending, kept.refused = 0, 0b11
            box.close(number, kept)
        equal(len(os.listdir("refused")), 3)

    on_flash(check)


def test_a_flash_that_cannot_be_read_keeps_the_alert():
    def check():
        box = outbox.Outbox()
        box.enqueue(sample(), TO)
        (number,) = box.waiting()
        os.rename("outbox/00000001", "elsewhere")
        equal(raises(StorageError, box.load, number).key, "flash-unreadable")
        os.rename("elsewhere", "outbox/00000001")
        equal((len(box), box.bad, box.load(number).event.alarm), (1, 0, "Freezer too warm"))

    on_flash(check)


def test_a_delete_that_fails_is_an_error_the_courier_sees():
    def check():
        box = outbox.Outbox()
        box.enqueue(sample(), TO)
        (number,) = box.waiting()
        kept = box.load(number)
        os.remove("outbox/00000001")
        equal(raises(StorageError, box.close, number, kept).key, "flash-failed")

    on_flash(check)


def test_the_number_of_a_damaged_alert_is_not_given_again_after_a_restart():
    def check():
        box = outbox.Outbox()
        box.enqueue(sample(), TO)
        with open("outbox/00000001", "wb") as file:
            file.write(b"damaged")
        equal(box.load(1), None)
        again = outbox.Outbox()
        again.enqueue(sample(), TO)
        equal(again.waiting(), (2,))

    on_flash(check)


def test_a_refused_alert_is_kept_with_who_refused_it():
    def check():
        box = outbox.Outbox()
        box.enqueue(sample(), TO)
        kept = box.load(1)
        kept.pending, kept.refused = 0, 0b10
        box.close(1, kept)
        with open("refused/00000001", "rb") as file:
            last = record.decode(file.read())
        equal((last.pending, last.refused), (0, 0b10))

    on_flash(check)


def test_a_refused_alert_that_cannot_be_kept_does_not_stay_in_the_outbox():
    def check():
        box = outbox.Outbox()
        box.enqueue(sample(), TO)
        kept = box.load(1)
        kept.pending, kept.refused = 0, 0b11
        os.mkdir("outbox/tmp")  # nothing can be written now
        box.close(1, kept)
        equal((len(box), os.listdir("outbox"), os.listdir("refused")), (0, ["tmp"], []))

    on_flash(check)


def test_files_of_others_are_left_alone():
    def check():
        outbox.Outbox()
        for name in ("abc", "notes.txt", "zzzzzzzz"):
            with open("outbox/" + name, "w") as file:
                file.write("mine")
        box = outbox.Outbox()
        equal((len(box), sorted(os.listdir("outbox"))), (0, ["abc", "notes.txt", "zzzzzzzz"]))

    on_flash(check)


def test_what_is_too_much_for_a_record_is_cut():
    one = sample("x" * 60, 9)
    one.at_s, one.since_s = 2**33, -5
    data = record.encode(record.Record(one, 1, 1))
    equal(len(data) < record.MAX_BYTES, True)
    back = record.decode(data).event
    equal((back.alarm, back.readings), ("x" * 40, one.readings[-6:]))
    equal((back.at_s, back.since_s), (0xFFFFFFFF, 0))
    one.at_s, one.since_s = -1, 2**40
    back = record.decode(record.encode(record.Record(one, 1, 1))).event
    equal((back.at_s, back.since_s), (0, 0xFFFFFFFF))


def sealed(data):
    """`data` with the checksum that it should have."""
    struct.pack_into("<I", data, len(data) - 4, binascii.crc32(bytes(data[:-4])))
    return data


def test_a_record_that_contradicts_itself_is_refused_though_its_checksum_is_right():
    def changed(position, value):
        data = record.encode(record.Record(sample("\u00e4bc", 2), 7, 7))
        data[position] = value
        return sealed(data)

    name = record._HEAD_BYTES
    for position, value in ((0, 0xA3), (0, 0xA1), (1, 0), (3, 1), (3, 200), (name - 1, 3), (name, 0xFF)):
        raises(StorageError, record.decode, changed(position, value))
    data = bytearray(record.encode(record.Record(sample(), 7, 7)))
    raises(StorageError, record.decode, sealed(data + b"\0"))


def test_another_list_of_recipients_is_noticed():
    lists = (["ab", "c"], ["a", "bc"], ["c", "ab"], ["ab"], ["ab", "c", "d"])
    equal(len({record.recipients_crc(one) for one in lists}), len(lists))


def test_a_name_too_long_is_cut_between_characters():
    back = record.decode(record.encode(record.Record(sample("x" + "\u00e4" * 30), 1, 1)))
    equal(back.event.alarm, "x" + "\u00e4" * 19)


def test_the_oldest_comes_first_however_the_folder_lists_them():
    class Backwards:
        def __getattr__(self, name):
            if name == "listdir":
                return lambda folder: sorted(os.listdir(folder), reverse=True)
            return getattr(os, name)

    def check():
        box = outbox.Outbox()
        for name in ("one", "two", "three"):
            box.enqueue(sample(name), TO)
        outbox.os = Backwards()
        try:
            equal(outbox.Outbox().waiting(), (1, 2, 3))
        finally:
            outbox.os = os

    on_flash(check)
