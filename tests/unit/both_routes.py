"""Which way mail takes, and when: pauses after failures, and ways that stand in for others."""

from courier_parts import (
    BUSY,
    DENIED,
    NOW,
    SETTINGS,
    Box,
    Heartbeat,
    Opening,
    Server,
    SignIn,
    run,
    with_server,
)
from expect import equal

from mailmote import errors, routes

LOCKED = errors.FixSettings("locked", "account-locked")


def settings(*after_s):
    first = dict(SETTINGS["mail"], host="first")
    fallbacks = [
        {"from": "mote@fabrikam.test", "host": "way %d" % (2 + i), "auth": "none", "fallback_after_s": after}
        for i, after in enumerate(after_s)
    ]
    return dict(SETTINGS, mail=first, fallbacks=fallbacks)


class Hosts(Server):
    """Takes mail where the host is not among those that are `down`, a mapping of host to error."""

    def __init__(self, down):
        Server.__init__(self, {})
        self.down = down

    async def open(self):
        if self.hosts[-1] in self.down:
            raise self.down[self.hosts[-1]]


def ways(*after_s):
    before, routes.sign_in.of = routes.sign_in.of, SignIn
    try:
        return routes.Routes(settings(*after_s))
    finally:
        routes.sign_in.of = before


def failed(route, error, now_s, delivered=0):
    with_server(None, lambda: route.failed(error, now_s, delivered))


def test_each_kind_of_failure_has_pauses_of_its_own():
    for error, pauses in (
        (BUSY, (60, 120, 240, 480, 960, 1920, 3600, 3600)),
        (DENIED, (1080, 2160, 4320, 8640, 14400, 14400)),
        (LOCKED, (4320, 8640)),
    ):
        some = ways()
        now_s = 0
        for pause_s in pauses:
            failed(some.all[0], error, now_s)
            equal((some.pause_s(now_s), some.due(now_s)), (pause_s, []))
            now_s += pause_s
            equal((some.pause_s(now_s), some.due(now_s)), (0, some.all))
        equal((some.failure, some.all[0].failing_since_s), (error, 0))
        some.all[0].succeeded()
        equal((some.failure, some.pause_s(now_s)), (None, 0))


def test_what_may_pass_at_once_is_due_at_once_but_only_once_in_a_row():
    (one,) = ways().all
    for error, due_s in ((NOW, 0), (NOW, 60)):
        failed(one, error, 0)
        equal(one.due_s, due_s)
    one.succeeded()
    failed(one, NOW, 0)
    equal(one.due_s, 0)


def test_a_way_stands_in_once_those_before_it_have_failed_for_long_enough():
    heartbeat = Heartbeat(9)
    server = Hosts({"first": BUSY})
    run(Box("to all"), server, heartbeat, settings(300))
    equal(server.hosts, ["first"] * 3 + ["way 2"])  # at 0, 60 and 180 s; the second at 300 s
    equal(heartbeat.rests[:4], [(60, False), (120, False), (120, False), "idle"])
    equal(len(server.mails), 1)


def test_a_third_way_stands_in_for_both():
    server = Hosts({"first": DENIED, "way 2": DENIED})
    run(Box("to all"), server, Heartbeat(6), settings(300, 600))
    equal(server.hosts, ["first", "way 2", "way 3"])  # at 0, 300 and 900 s


def test_while_one_stands_in_the_preferred_way_is_tried_when_it_is_due_and_taken_back():
    some = ways(300)
    first, second = some.all
    failed(first, DENIED, 0)
    equal(some.due(400), [second])
    equal(some.due(1080), [first, second])
    first.succeeded()
    equal(some.due(1080), [first])


def test_a_way_that_delivered_something_has_not_failed_for_long():
    some = ways(300)
    first = some.all[0]
    failed(first, BUSY, 0)
    failed(first, BUSY, 290, delivered=1)
    equal(some.due(420), [first])
    equal(some.due(589), [first])
    equal(some.due(590), some.all)


def test_a_mail_is_the_same_whichever_way_it_takes_but_for_its_sender():
    texts = []
    for down in ({}, {"first": BUSY}):
        server = Hosts(down)
        run(Box("to all"), server, Heartbeat(9), settings(60))
        texts.append(server.texts[0])
    for field in ("Message-ID", "Date", "Subject", "To"):
        first, second = ([line for line in text.split("\r\n") if line.startswith(field)] for text in texts)
        equal(first, second)
    equal(["From:" in text and "fabrikam.test>" in text for text in texts], [False, True])


def test_what_is_hurried_is_due_now():
    some = ways(300)
    failed(some.all[0], DENIED, 0)
    some.hurry(10, True)
    equal((some.due(10), some.pause_s(10)), ([some.all[0]], 0))


def test_pauses_outlive_sleep_and_count_the_time_of_it():
    before = routes.compat.unix_time
    clock_s = [1800000000]
    routes.compat.unix_time = lambda: clock_s[0]
    try:
        some = ways(2000)
        failed(some.all[0], BUSY, 100)
        failed(some.all[0], BUSY, 160)
        packed = some.pack(170)
        clock_s[0] += 50
        again = ways(2000)
        again.unpack(packed, 3)
        equal((again.pause_s(3), again.all[0].failing_since_s), (60, 3 - 70 - 50))
        failed(again.all[0], BUSY, 63)
        equal(again.pause_s(63), 240)
        for data in (b"", packed[:-1], packed + b"x", ways().pack(0)):
            other = ways(2000)
            other.unpack(data, 3)
            equal((other.pause_s(3), other.all[0].failing_since_s), (0, None))
        clock_s[0] -= 10**6  # a clock that was set back: the pause is no longer for it
        last = ways(2000)
        last.unpack(packed, 0)
        equal(last.pause_s(0), 110)
    finally:
        routes.compat.unix_time = before


def test_a_new_alert_does_not_hurry_a_way_that_could_not_be_opened():
    server = Opening(DENIED, DENIED)
    box = Box("to all")

    def put(count):
        if count == 1:
            box.put(box.records[1].event)

    heartbeat = Heartbeat(2, put)
    run(box, server, heartbeat)
    equal((server.opened, heartbeat.rests[0]), (2, (1080, False)))


def test_a_new_alert_hurries_no_way_that_refuses_the_sign_in_though_another_one_was_reached():
    for refused, tries in ((LOCKED, 1), (DENIED, 1), (BUSY, 1)):
        server, box = Hosts({"first": refused}), Box("to all")
        server.says = {"a@contoso.test": BUSY}
        heartbeat = Heartbeat(6)

        def put(count, box=box, heartbeat=heartbeat):
            box.put(box.records[1].event)
            heartbeat.courier.wake()

        heartbeat._on_rest = put
        run(box, server, heartbeat, settings(0))
        equal((refused.key, server.hosts.count("first")), (refused.key, tries))
        equal(server.hosts.count("way 2") >= 6, True)


def test_a_locked_account_is_left_in_peace_whoever_asks_also_over_sleep():
    some, again = ways(), ways()
    failed(some.all[0], LOCKED, 0)
    again.unpack(some.pack(0), 0)
    for those in (some, again):
        those.hurry(10, True)
        equal(those.pause_s(10), 4310)
    failed(some.all[0], DENIED, 4320)
    some.hurry(4330, True)
    equal(some.pause_s(4330), 0)


def test_whether_a_way_could_be_opened_outlives_sleep():
    for opened, pause_s in ((False, 1070), (True, 0)):
        some, again = ways(), ways()
        some.all[0].opened = opened
        failed(some.all[0], DENIED, 0)
        again.unpack(some.pack(10), 10)
        again.hurry(10, False)
        equal((opened, again.pause_s(10)), (opened, pause_s))


def test_a_way_that_delivers_a_little_at_each_try_does_not_get_slower():
    (one,) = ways().all
    for delivered, due_s in ((0, 60), (0, 120), (1, 60), (1, 60), (0, 120)):
        failed(one, BUSY, 0, delivered)
        equal((delivered, one.due_s), (delivered, due_s))
    for delivered, due_s in ((1, 0), (1, 0), (0, 60), (0, 120)):
        failed(one, NOW, 0, delivered)
        equal((delivered, one.due_s), (delivered, due_s))
