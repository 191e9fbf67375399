"""What goes into the next mail: alone or together, and the same again after a restart."""

from courier_parts import BUSY, NOBODY, SETTINGS, Box, Heartbeat, Server, deliver, made
from expect import equal, raises
from flash_folder import on_flash

from mailmote import errors, event, mailbag
from mailmote.smtp.lines import Reply
from mailmote.smtp.refusal import refusal
from mailmote.store import outbox, record

ALL = ["a@contoso.test", "b@contoso.test"]


class LosesIt(Server):
    """The connection is lost while a mail is on its way, in each of the first `times`."""

    def __init__(self, times):
        Server.__init__(self, {})
        self.times = times

    async def send(self, sender, to, message):
        results = await Server.send(self, sender, to, message)
        if self.times:
            self.times -= 1
            raise errors.ProtocolError("lost", "connection-closed")
        return results


def alarm(name="to all", kind=event.ALARM, at_s=60):
    return event.Event(kind, event.NO_READING, name, 0, at_s)


def identities(server):
    """The Message-ID of each mail."""
    return [text.split("Message-ID: <")[1].split(">")[0] for text in server.texts]


def told(server):
    """How many alerts each mail tells: the lines of its table, or one."""
    return [text.count("cannot be watched") if " alerts to tell" in text else 1 for text in server.texts]


def bag_of(box, now_s=lambda: 0):
    bag = mailbag.Mailbag(SETTINGS, box, now_s)
    bag.begin_round()
    return bag


def test_up_to_three_go_alone_and_more_go_together():
    for count, mails in ((1, [1]), (3, [1, 1, 1]), (4, [4]), (40, [40]), (43, [40, 1, 1, 1]), (44, [40, 4])):
        box, server = Box(*["to all"] * count), Server({})
        deliver(made(box), server)
        equal((count, told(server), len(box)), (count, mails, 0))


def test_two_go_together_once_the_first_has_waited_for_long():
    heartbeat = Heartbeat()
    box = Box("to all")
    one = made(box, heartbeat=heartbeat)
    deliver(one, Server({"a@contoso.test": BUSY, "b@contoso.test": BUSY}))
    box.put(alarm())
    for now_s, mails in ((899, [1, 1]), (900, [2])):
        heartbeat.now_s = now_s
        server = Server({"a@contoso.test": BUSY, "b@contoso.test": BUSY})
        deliver(one, server)
        equal((now_s, told(server)), (now_s, mails))


def test_only_what_has_the_same_recipients_goes_together():
    box, server = Box(*["to all", "to one"] * 4), Server({})
    deliver(made(box), server)
    equal((told(server), server.mails), ([4, 4], [tuple(ALL), ("c@fabrikam.test",)]))


def test_what_is_about_the_board_itself_goes_alone():
    box, server = Box(*["to all"] * 4), Server({})
    for kind in (event.TEST, event.ALIVE, event.CRASH):
        box.put(event.Event(kind, 0, "", 60, 60))
    deliver(made(box), server)
    equal((told(server), len(box)), ([4, 1, 1, 1], 0))


def test_who_refuses_a_digest_is_told_of_for_each_alert_and_the_others_get_it():
    box, server = Box(*["to all"] * 4), Server({"b@contoso.test": NOBODY})
    one = made(box)
    deliver(one, server)
    equal((told(server), len(box), box.refused), ([4], 0, [1, 2, 3, 4]))
    equal((len(box.said), one._health.refused, len(one._health.notes)), (4, 1, 1))


def test_a_digest_that_somebody_waits_for_is_the_same_mail_again():
    box = Box(*["to all"] * 4)
    one = made(box)
    first = Server({"b@contoso.test": BUSY})
    deliver(one, first)
    box.put(alarm())
    again = Server({})
    deliver(one, again)
    equal((told(again), again.mails), ([1, 4], [tuple(ALL), ("b@contoso.test",)]))
    equal(identities(again)[1], identities(first)[0])


def restarted(box):
    """The outbox as a start finds it."""
    box.oldest_found, box.newest_found = box.waiting()[0], box.waiting()[-1]
    return box


def test_a_digest_that_was_lost_on_its_way_is_the_same_mail_after_a_restart_whatever_came_meanwhile():
    box = Box(*["to all"] * 4)
    lost = LosesIt(1)
    deliver(made(box), lost)
    for _ in range(4):
        box.put(alarm())
    server = Server({})
    deliver(made(restarted(box)), server)
    equal((told(server), identities(server)[0]), ([4, 4], identities(lost)[0]))


def test_a_digest_of_which_some_records_are_gone_keeps_its_identity():
    box = Box(*["to all"] * 5)
    lost = LosesIt(1)
    deliver(made(box), lost)
    for number in (1, 2, 3, 4):  # the power went while the records were deleted, oldest first
        del box.records[number]
        server = Server({"a@contoso.test": BUSY, "b@contoso.test": BUSY})
        deliver(made(restarted(box)), server)
        equal((number, identities(server)), (number, identities(lost)))


def test_the_oldest_that_a_start_finds_goes_alone_for_it_may_have_been_on_its_way():
    box = Box("to all")
    lost = LosesIt(1)
    deliver(made(box), lost)
    equal(box.updates, 0)  # and no mark is written for it
    for _ in range(5):
        box.put(alarm())
    server = Server({})
    deliver(made(restarted(box)), server)
    equal((told(server), identities(server)[0]), ([1, 5], identities(lost)[0]))


def test_one_that_is_not_the_oldest_is_marked_before_it_leaves_alone():
    box = Box("to one", "to all")
    lost = LosesIt(2)
    one = made(box)
    for _ in range(2):
        deliver(one, lost)  # each was sent alone once
    equal([box.records[number].begun for number in (1, 2)], [record.NOT_BEGUN, record.ALONE])
    for _ in range(5):
        box.put(alarm())
    server = Server({})
    deliver(made(restarted(box)), server)
    equal((told(server), identities(server)[1]), ([1, 1, 5], identities(lost)[1]))


def test_where_the_server_has_answered_nothing_may_have_arrived_and_all_can_go_together():
    box = Box("to one", "to all")
    one = made(box)
    busy = dict.fromkeys(ALL + ["c@fabrikam.test"], BUSY)
    deliver(one, Server(busy))
    equal((box.records[2].begun, box.updates), (record.NOT_BEGUN, 2))
    for _ in range(4):
        box.put(alarm())
        deliver(one, Server(busy))
    server = Server({})
    deliver(one, server)
    equal(sorted(told(server)), [1, 5])


def test_what_was_lost_alone_stays_alone_without_a_restart():
    box = Box("to all")
    one = made(box)
    lost = LosesIt(1)
    deliver(one, lost)
    for _ in range(5):
        box.put(alarm())
    server = Server({})
    deliver(one, server)
    equal((told(server), identities(server)[1]), ([5, 1], identities(lost)[0]))


def test_an_older_alert_that_a_digest_left_out_does_not_get_into_it_later():
    box = Box("to all")
    one = made(box)
    deliver(one, Server({"a@contoso.test": BUSY, "b@contoso.test": BUSY}))
    one._bag._alone.add(1)
    for _ in range(4):
        box.put(alarm())
    lost = LosesIt(1)
    deliver(one, lost)
    equal((told(lost), box.records[1].begun, box.records[5].begun), ([4], record.ALONE, record.ENDS_DIGEST))
    server = Server({})
    deliver(made(restarted(box)), server)
    equal((told(server), identities(server)[1]), ([1, 4], identities(lost)[0]))


def test_a_digest_that_was_begun_stays_together_when_a_newer_one_leaves():
    box = Box(*["to all"] * 4)
    one = made(box)
    first = LosesIt(1)
    deliver(one, first)
    for _ in range(4):
        box.put(alarm())
    second = LosesIt(1)
    deliver(one, second)  # it was tried less
    server = Server({})
    deliver(made(restarted(box)), server)
    equal((told(first), told(second), told(server)), ([4], [4], [4, 4]))
    equal(identities(server), identities(first) + identities(second))


def test_other_recipients_make_another_mail_of_it_always_the_same():
    box = Box("to all")
    box.records[1].recipients_crc ^= 0x55
    box.records[1].begun = record.ALONE
    one, first, second = made(box), Server({"a@contoso.test": BUSY, "b@contoso.test": BUSY}), Server({})
    deliver(one, first)
    deliver(made(restarted(box)), second)
    equal(identities(first), identities(second))
    plain = Server({})
    deliver(made(Box("to all")), plain)
    equal(identities(plain) == identities(first), False)


def test_for_other_recipients_the_end_of_a_digest_is_none():
    box = Box(*["to all"] * 4)
    for number in box.waiting():
        box.records[number].recipients_crc ^= 0x55
    box.records[2].begun = record.ENDS_DIGEST
    server = Server({})
    deliver(made(box), server)
    equal(told(server), [4])


def test_what_outlived_a_start_has_waited_for_long_but_the_oldest_goes_alone():
    box, server = Box(*["to all"] * 3), Server({})
    deliver(made(restarted(box)), server)
    equal(told(server), [1, 2])


def test_an_alert_that_cannot_be_read_keeps_no_other_from_leaving_and_is_told():
    class Unreadable(Box):
        def load(self, number):
            if number == 1:
                raise errors.StorageError("planned", "flash-unreadable")
            return Box.load(self, number)

    box, server = Unreadable("to all", "to all"), Server({})
    left = deliver(made(box), server)
    equal((told(server), list(box.records), left.key), ([1], [1], "flash-unreadable"))


def test_a_flash_that_takes_no_mark_keeps_no_mail_from_leaving():
    box, server = Box(*["to all"] * 4), Server({"a@contoso.test": BUSY, "b@contoso.test": BUSY})
    box.failing = 1
    deliver(made(box), server)
    equal((told(server), box.failing), ([4], 0))


def test_a_flash_that_fails_after_a_digest_makes_no_second_one():
    box = Box(*["to all"] * 4)
    one, server = made(box), Server({})
    box.failing = 6  # the mark, four records, and the first of them once more
    for _ in range(4):
        deliver(one, server)
    equal((told(server), len(box)), ([4], 0))


def test_nothing_expires_without_a_limit_a_sure_clock_and_a_time_by_one():
    class Clock:
        sure = True
        now_s = staticmethod(lambda: 1800000000)
        is_sure = staticmethod(lambda: Clock.sure)

    four_days_s = 4 * 86400
    before, mailbag.clock = mailbag.clock, Clock
    try:
        for limit_s, sure, dated, waited_s, expired in (
            (four_days_s, True, True, four_days_s + 1, True),
            (four_days_s, True, True, four_days_s, False),
            (four_days_s, False, True, four_days_s + 1, False),
            (four_days_s, True, False, four_days_s + 1, False),
            (0, True, True, 4000 * 86400, False),
        ):
            box = Box()
            box.put(alarm(at_s=1800000000 - waited_s), dated)
            settings = dict(SETTINGS, retry={"first_s": 60, "cap_s": 3600, "expire_after_s": limit_s})
            Clock.sure = sure
            one = made(box, settings)
            equal((limit_s, sure, dated, one._bag.expired() is not None), (limit_s, sure, dated, expired))
            one._refusals.expire(one._bag, one.trouble)
            equal((len(box), box.refused), (0, [1]) if expired else (1, []))
    finally:
        mailbag.clock = before


def test_refusals_that_nobody_heard_of_are_told_after_a_restart():
    def check():
        box = outbox.Outbox()
        box.enqueue(alarm("to one"), ["c@fabrikam.test"])
        deliver(made(box), Server({"c@fabrikam.test": NOBODY}))
        text = "c@fabrikam.test does not get alert 1. unknown"
        for expected in ([1], []):
            box = outbox.Outbox()
            equal((box.untold(), box.replies(1)), (expected, [text]))
            box.enqueue(alarm(), ALL)
            server = Server({})
            deliver(made(box), server)
            equal(text in server.texts[0], bool(expected))

    on_flash(check)


def test_what_is_on_its_way_is_not_merged_though_there_is_no_room_without():
    def check():
        box = outbox.Outbox()
        for number in range(outbox.MAX_RECORDS):
            box.enqueue(alarm("same" if number < 2 else "alarm %d" % number), ALL)
        bag = bag_of(box)
        mail = bag.next()
        bag.begin(mail)
        equal(mail.numbers[:2], (1, 2))
        equal(raises(errors.StorageError, box.enqueue, alarm("one more"), ALL).key, "outbox-full")
        bag.settle(mail, 0, 0)
        equal([number in box.waiting() for number in mail.numbers], [True] * len(mail.numbers))

    on_flash(check, 64)


def test_content_that_a_server_refuses_does_not_hold_back_what_it_went_together_with():
    class Filter(Server):
        async def send(self, sender, to, message):
            await Server.send(self, sender, to, message)
            if "bad word" in self.texts[-1]:
                raise errors.GiveUp("no", "content-refused")
            return [self.says.get(address) for address in to]

    for earlier in (0, 1):  # who has got them all
        box, server = Box("to all", "bad word", "to all", "to all"), Filter({})
        for number in box.waiting():
            box.records[number].pending &= ~earlier
        one = made(box)
        for _ in range(5):
            deliver(one, server)
        equal((earlier, box.refused if earlier else list(box.records)), (earlier, [2]))
        equal((earlier, told(server)[0], one._health.mails), (earlier, 4, 3))


def test_what_too_little_memory_broke_off_may_have_arrived():
    class Full(LosesIt):
        async def send(self, sender, to, message):
            try:
                return await LosesIt.send(self, sender, to, message)
            except errors.ProtocolError:
                raise MemoryError()

    box = Box("to all")
    one, lost, server = made(box), Full(1), Server({})
    deliver(one, lost)
    for _ in range(5):
        box.put(alarm())
    deliver(one, server)
    equal((told(server), identities(server)[1]), ([5, 1], identities(lost)[0]))


def test_a_digest_delivers_nothing_that_the_flash_did_not_give_for_it():
    """It cannot be read from when the mail is begun until its reply: it is told by another one."""

    class Fails(Server):
        async def send(self, sender, to, message):
            box.unreadable = 2
            try:
                return await Server.send(self, sender, to, message)
            finally:
                box.unreadable = None

    class Worn(Box):
        unreadable = None

        def load(self, number):
            if number == self.unreadable:
                raise errors.StorageError("planned", "flash-unreadable")
            return Box.load(self, number)

        def peek(self, number):
            return None if number == self.unreadable else Box.peek(self, number)

    box = Worn(*["to all"] * 5)
    one, worn, server = made(box), Fails({}), Server({})
    deliver(one, worn)
    equal((told(worn), len(box)), ([], 5))
    deliver(one, server)
    equal((told(server), len(box)), ([5], 0))


class Closing(Server):
    """Answers each mail with 421, as a server does that is throttled or goes down."""

    async def send(self, sender, to, message):
        await Server.send(self, sender, to, message)
        raise refusal(Reply(421, "4.3.2", ["Service not available"]), "mail")


def test_what_a_server_answered_with_421_has_not_arrived_and_goes_together_later():
    for at_once in (1, 4):
        box = Box("to all")
        one = made(box)
        for _ in range(10):
            deliver(one, Closing({}))
            for _ in range(at_once):
                box.put(alarm())
        equal([box.records[number].begun for number in box.waiting()], [record.NOT_BEGUN] * len(box))
        count, server = len(box), Server({})
        for _ in range(2):
            deliver(one, server)
        equal((at_once, sum(told(server)), len(server.mails) <= 2), (at_once, count, True))
