"""What the courier makes of results: the server is a list of what it says to each mail."""

import asyncio

from courier_parts import (
    BUSY,
    DENIED,
    NOBODY,
    NOW,
    ODD,
    SETTINGS,
    STALE,
    Box,
    End,
    Free,
    Heartbeat,
    Link,
    Opening,
    Server,
    SignIn,
    deliver,
    made,
    rounds,
    run,
    with_server,
)
from expect import equal

from mailmote import errors, floor, letters, recipients


def test_a_recipient_that_is_denied_does_not_stand_in_the_way_of_other_alerts():
    box = Box("to one", "to all", "to all")
    server, _, left = rounds(box, {"c@fabrikam.test": DENIED})
    equal((sorted(box.records), left), ([1], [DENIED]))
    equal(server.mails.count(("a@contoso.test", "b@contoso.test")), 2)


def test_two_alerts_in_a_row_that_nobody_gets_end_the_connection():
    box = Box("to all", "to all", "to all")
    server, _, left = rounds(box, {"a@contoso.test": BUSY, "b@contoso.test": BUSY})
    equal((len(server.mails), len(box), left), (2, 3, [BUSY]))


def test_what_was_tried_least_comes_first():
    box = Box("to one", "to one", "to all")
    server, _, _ = rounds(box, {"c@fabrikam.test": BUSY}, 2)
    equal(server.mails[2], ("a@contoso.test", "b@contoso.test"))


def test_who_was_delivered_and_who_was_refused_is_not_asked_again():
    box = Box("to all")
    server, one, left = rounds(box, {"a@contoso.test": BUSY, "b@contoso.test": NOBODY}, 2)
    equal(server.mails, [("a@contoso.test", "b@contoso.test"), ("a@contoso.test",)])
    server, _, left = rounds(box, {})
    equal((server.mails, left, box.refused), ([("a@contoso.test",)], [None], [1]))


def test_a_recording_waits_for_what_can_be_mailed_and_for_nothing_else():
    def rests(box, link=None, courier=None):
        heartbeat = Heartbeat(on_rest=lambda count: box.records.clear() if count == 3 else None)
        one = made(box, heartbeat=heartbeat)
        one._link.trouble, one.trouble = link, courier
        asyncio.run(one.settle(heartbeat))
        return len(heartbeat.rests)

    equal(rests(Box()), 0)
    equal(rests(Box("to all")), 3)
    equal(rests(Box("to all"), link="no Wi-Fi"), 0)
    equal(rests(Box("to all"), courier=BUSY), 0)


def test_each_start_may_be_that_of_a_whole_site_but_a_person_is_not_kept_waiting():
    one = made(Box())
    equal(one._allowance.told, ["outage"])
    one.follow(1)
    equal(one._allowance.told, ["outage", "hurry"])


def test_a_link_over_which_nobody_is_reached_is_renewed_after_three_turns_in_a_row():
    for key, renewed in (("unreachable", 2), ("no-answer", 2), ("timeout", 2), ("server-busy", 0)):
        box = Box("to all")
        server = Opening(*[errors.RetryLater("no", key)] * 6)
        one = made(box)
        for _ in range(6):
            one._routes.all[0].due_s = 0
            with_server(server, lambda one=one: asyncio.run(one.turn(Heartbeat())))
        equal((key, server.opened, one._link.renewed), (key, 6, renewed))


def test_a_flash_that_fails_after_the_delivery_makes_no_second_mail():
    box = Box("to all")
    box.failing = 3
    server, one, left = rounds(box, {}, 5)
    equal((len(server.mails), len(box), left[3:]), (1, 0, [None, None]))
    equal([type(error) for error in left[:3]], [errors.StorageError] * 3)


def test_an_alert_that_everybody_refuses_for_no_known_reason_is_kept():
    box = Box("to all")
    _, _, left = rounds(box, {"a@contoso.test": ODD, "b@contoso.test": ODD})
    equal((len(box), type(left[0]), box.refused), (1, errors.FixSettings, []))
    _, _, left = rounds(box, {"a@contoso.test": ODD})
    equal((len(box), left, box.refused), (0, [None], [1]))


def test_an_alert_that_everybody_refuses_for_a_known_reason_is_set_aside():
    box = Box("to all")
    _, _, left = rounds(box, {"a@contoso.test": NOBODY, "b@contoso.test": NOBODY})
    equal((len(box), left, box.refused), (0, [None], [1]))


def test_notes_stay_until_a_mail_has_told_them():
    _, one, _ = rounds(Box("to all"), {"a@contoso.test": NOBODY})
    equal([note[:14] for note in one._health.notes], ["a@contoso.test"])
    one._health.delivered(("another",))
    equal(len(one._health.notes), 1)
    one._health.delivered(tuple(one._health.notes))
    equal((one._health.notes, one._health.mails, one._health.refused), ([], 3, 1))


def test_an_alert_whose_recipients_changed_goes_to_all_of_the_new_ones():
    box = Box("to all")
    box.records[1].recipients_crc ^= 1
    box.records[1].pending = 0b01
    server, _, _ = rounds(box, {})
    equal(server.mails, [("a@contoso.test", "b@contoso.test")])


def test_what_fails_at_the_opening_sends_nothing_and_is_told_apart():
    box = Box("to all")
    server, one, left = rounds(box, {"open": DENIED})
    equal((server.mails, left, one._opened), ([], [DENIED], False))
    _, one, _ = rounds(box, {"a@contoso.test": BUSY})
    equal(one._opened, True)


def test_an_empty_outbox_is_idle_without_a_connection_and_waking_ends_that():
    server, heartbeat = Opening(), Heartbeat(1)
    one = run(Box(), server, heartbeat)
    equal((heartbeat.rests, server.opened, one._link.waited, one.idle.is_set()), (["idle"], 0, 0, True))
    one.wake()
    equal((one.idle.is_set(), one._arrived.is_set()), (False, True))


def test_what_may_pass_at_once_is_tried_at_once_but_only_once_in_a_row():
    server, heartbeat = Opening(NOW, NOW, NOW), Heartbeat(3)
    one = run(Box("to all"), server, heartbeat)
    equal(heartbeat.rests, [(60, False), (120, False), "idle"])
    equal((server.opened, one._link.waited, one._health.retries), (4, 4, 3))
    equal(one._health.mails, 1)


def test_a_refused_token_is_tried_again_at_once_where_a_new_one_may_be_had():
    for stale, rests, opened in ((STALE, ["idle"], 2), (None, [(1080, False)], 1)):
        server, heartbeat = Opening(STALE), Heartbeat(1)
        SignIn.stale = stale
        try:
            one = run(Box("to all"), server, heartbeat)
        finally:
            SignIn.stale = None
        equal((heartbeat.rests, server.opened, server.closed), (rests, opened, opened))
        equal(one._routes.all[0].sign_in.accepted_count, opened - 1)


def test_a_sign_in_that_fails_makes_no_connection():
    class Failing(SignIn):
        async def credentials(self, heartbeat):
            raise BUSY

    server = Opening()
    one = made(Box("to all"), sign_in=Failing)
    equal(deliver(one, server), BUSY)
    equal((server.opened, one._opened), (0, False))


def kept_times(secure, at_s, due=True, says=None):
    """The times that a delivery leaves as the floor: in memory, on the flash."""
    raised, written = [], []
    server = Server(says or {})
    server.secure = secure
    before = floor.clock, floor.state

    class Clock:
        FLOOR = "clock-floor"
        now_s = staticmethod(lambda: at_s)
        floor_due = staticmethod(lambda now_s: due)
        raise_floor = staticmethod(raised.append)

    class State:
        @staticmethod
        def write(name, number):
            written.append((name, number))
            raise errors.StorageError("planned")

    one = made(Box("to all"))
    floor.clock, floor.state = Clock, State
    try:
        deliver(one, server)
    finally:
        floor.clock, floor.state = before
    return raised, written


def test_the_time_of_a_verified_delivery_is_kept_and_of_no_other():
    equal(kept_times(True, 1800000000), ([1800000000], [("clock-floor", 1800000000)]))
    equal(kept_times(False, 1800000000), ([], []))
    equal(kept_times(True, 1800000000, due=False), ([], []))
    equal(kept_times(True, 1800000000, says={"a@contoso.test": BUSY, "b@contoso.test": BUSY}), ([], []))


def test_a_success_makes_the_next_failure_the_first():
    box = Box("to all")

    def put(count):
        if count == 3:
            box.records[9] = Box("to all").records[1]

    server, heartbeat = Opening(BUSY, NOW, NOW, None, NOW, BUSY), Heartbeat(5, put)
    run(box, server, heartbeat)
    equal(heartbeat.rests, [(60, False), (120, False), "idle", (60, False), "idle"])


def test_a_person_is_given_more_time_than_a_server():
    heartbeat = Heartbeat(2)
    one = run(Box("to all"), Opening(DENIED, DENIED), heartbeat)
    equal(heartbeat.rests, [(1080, False), (2160, False)])
    equal(one._health.notes, ["Mail was delayed. denied"])


def test_a_new_alert_ends_the_pause_only_where_the_server_could_be_reached():
    heartbeat = Heartbeat(2)
    server = Opening(BUSY)
    server.says = {"a@contoso.test": BUSY}
    run(Box("to all"), server, heartbeat)
    equal(heartbeat.rests, [(60, False), (60, True)])


def test_too_little_memory_is_tried_again_and_every_end_closes_the_session():
    for error, key in ((MemoryError(), "no-memory"), (BUSY, "server-busy"), (None, None)):
        server = Opening(error)
        left = deliver(made(Box("to all")), server)
        equal((left and left.key, server.closed), (key, 1))


def test_an_alert_that_cannot_be_sent_at_all_is_refused_and_a_damaged_one_skipped():
    class TooLarge(Server):
        async def send(self, sender, to, message):
            raise errors.GiveUp("too large", "message-too-large")

    box = Box("to all")
    run(box, TooLarge({}), Heartbeat(1))
    equal((len(box), box.refused), (0, [1]))

    class Damaged(Box):
        def load(self, number):
            if number == 1:
                self.bad = 1
                del self.records[1]
                return None
            return Box.load(self, number)

    box, server = Damaged("to all", "to one"), Server({})
    one = run(box, server, Heartbeat(1))
    equal((server.mails, len(box), one._health.damaged), ([("c@fabrikam.test",)], 0, 1))


def test_of_two_reasons_to_wait_the_one_for_a_person_counts():
    for first, second in ((DENIED, BUSY), (BUSY, DENIED)):
        _, _, left = rounds(Box("to all"), {"a@contoso.test": first, "b@contoso.test": second})
        equal(left, [DENIED])


def test_a_round_that_changes_nothing_writes_nothing():
    box = Box("to all")
    box.failing = 1
    _, _, left = rounds(box, {"a@contoso.test": BUSY, "b@contoso.test": BUSY})
    equal((box.failing, left), (1, [BUSY]))


def test_a_record_that_a_person_asks_for_ends_each_pause_and_its_failure_is_told():
    asked = []

    def on_rest(count):
        one = heartbeat.courier
        asked.append((one._asked.is_set(), one.failure_of(1), one.next_try_s() is not None))
        one.follow(1)
        equal((one._asked.is_set(), one._arrived.is_set(), one.failure_of(1)), (True, True, None))

    heartbeat = Heartbeat(2, on_rest)
    run(Box("to all"), Opening(DENIED, BUSY), heartbeat)
    equal(asked, [(False, None, True), (False, BUSY, True)])
    equal(heartbeat.courier.failure_of(2), None)


def test_of_a_followed_record_the_refusal_and_the_delay_are_told_of_others_neither():
    for says, told in (({"c@fabrikam.test": NOBODY}, NOBODY), ({"c@fabrikam.test": BUSY}, BUSY), ({}, None)):
        server = Server(says)
        one = made(Box("to one", "to all"))
        one.follow(1)
        deliver(one, server)
        equal(one.failure_of(1), told)
        one.follow(2)
        deliver(one, server)
        equal(one.failure_of(2), None)


def test_the_last_results_are_kept():
    heartbeat = Heartbeat(1)
    health = run(Box("to all"), Opening(DENIED), heartbeat)._health
    equal((health.last_failure[1], health.last_mail, health.retries), (DENIED, None, 1))
    health = run(Box("to all"), Server({}), Heartbeat(1))._health
    equal((health.last_failure, health.last_mail[1]), (None, "to all"))


def test_who_gets_an_alert():
    settings = {"mail": {"to": ["a@c.test"], "cc": ["b@c.test"]}, "alarms": SETTINGS["alarms"]}
    equal(recipients.recipients_of(settings, "to one"), ["c@fabrikam.test"])
    equal(recipients.recipients_of(settings, "gone"), ["a@c.test", "b@c.test"])
    equal(recipients.recipients_of(settings, ""), ["a@c.test", "b@c.test"])  # a test mail


def test_the_name_for_ehlo_is_a_host_name():
    for name, label in (
        ("Freezer 3", "freezer-3"),
        ("-a_b-", "a-b"),
        ("\u51b7\u51cd", "mote"),
        ("", "mote"),
        ("x" * 70, "x" * 63),
        ("y" * 62 + " z", "y" * 62),
    ):
        settings = {"device": {"name": name}, "mail": {"from": "mote@Contoso.TEST"}}
        equal(letters.client_name(settings, settings["mail"]), label + ".contoso.test")


def test_an_alert_that_somebody_got_counts_as_no_failure_of_the_server():
    server, _, left = rounds(Box(*["to all"] * 3), {"a@contoso.test": BUSY})
    equal((len(server.mails), left), (3, [BUSY]))
    server, _, left = rounds(Box("to one", "to all", "to one", "to all"), {"c@fabrikam.test": BUSY})
    equal((len(server.mails), left), (4, [BUSY]))


def test_after_a_change_of_recipients_only_who_still_waits_is_asked_again():
    box = Box("to all")
    box.records[1].recipients_crc ^= 1
    box.records[1].refused = 0b01
    server, _, _ = rounds(box, {"a@contoso.test": BUSY})
    equal((box.records[1].pending, box.records[1].refused), (0b01, 0))
    server, _, _ = rounds(box, {})
    equal((server.mails, box.refused), ([("a@contoso.test",)], []))


def test_a_mail_that_nobody_got_tells_no_note_and_counts_as_none():
    one = made(Box("to all"))
    one._health.note("before")
    deliver(one, Server({"a@contoso.test": BUSY, "b@contoso.test": BUSY}))
    equal((one._health.notes, one._health.mails), (["before"], 0))


def test_a_refusal_for_no_known_reason_counts_where_somebody_got_the_alert_earlier():
    box = Box("to all")
    rounds(box, {"b@contoso.test": BUSY})
    _, _, left = rounds(box, {"b@contoso.test": ODD})
    equal((len(box), left, box.refused), (0, [None], [1]))


def test_content_refused_for_no_known_reason_is_kept_too():
    content = errors.GiveUp("no", "content-refused")
    box = Box("to one")
    _, _, left = rounds(box, {"c@fabrikam.test": content})
    equal((len(box), type(left[0])), (1, errors.FixSettings))


def test_nothing_is_remembered_of_an_alert_that_is_done():
    _, one, _ = rounds(Box("to all", "to one"), {"c@fabrikam.test": NOBODY})
    bag = one._bag
    equal((bag._tried, bag._answered, bag._alone), ({}, {}, set()))


def test_what_is_left_of_the_day_is_asked_for_the_mail_that_waits_and_makes_no_connection_in_vain():
    class Few(Free):
        """Of the day's recipients one is left."""

        def wait_s(self, recipients=1):
            return 3600 if recipients > 1 else 0

    class Counted(Opening):
        async def open(self):
            if self.opened == 3:
                raise End()
            await Opening.open(self)

    heartbeat, server = Heartbeat(3), Counted()
    run(Box("to all"), server, heartbeat, allowance=Few)
    equal((heartbeat.rests, server.opened, server.mails), ([3600, 3600, 3600], 1, []))
    heartbeat, server, box = Heartbeat(1), Counted(), Box("to all")
    box.records[1].pending = 1
    run(box, server, heartbeat, allowance=Few)
    equal((heartbeat.rests, server.mails), (["idle"], [("a@contoso.test",)]))


def test_a_crash_between_a_failure_and_its_pause_does_not_lose_the_pause():
    heartbeat, server = Heartbeat(1), Opening(DENIED)

    def act():
        one = made(Box("to all"), heartbeat=heartbeat)

        def no_memory(error):
            raise MemoryError()

        one._health.failed = no_memory
        for expected in (MemoryError, End):
            try:
                asyncio.run(one.run(heartbeat))
            except expected:
                pass

    with_server(server, act)
    equal((heartbeat.rests, server.opened), ([(1080, False)], 1))


def test_without_a_link_nothing_is_sent_though_it_was_there_before_the_wait_for_the_pace():
    class Going(Link):
        up = True

        async def wait_up(self, heartbeat):
            self.waited += 1
            self.up = True

    def on_rest(count):
        if count == 1:
            equal(server.opened, 0)
            heartbeat.courier._link.up = False

    heartbeat, server, free = Heartbeat(2, on_rest), Opening(), Free()
    free.waits = [30]

    def act():
        one = made(Box("to all"), heartbeat=heartbeat, allowance=lambda *arguments: free)
        one._link = Going()
        try:
            asyncio.run(one.run(heartbeat))
        except End:
            return one._link.waited

    equal((with_server(server, act), heartbeat.rests, server.opened), (1, [30, "idle"], 1))
