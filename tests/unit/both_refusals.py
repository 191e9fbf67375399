"""Who does not get a mail is told to the others, however many there are."""

from courier_parts import NOBODY, Box
from expect import equal

from mailmote import log
from mailmote.health import Health
from mailmote.mailbag import Mail
from mailmote.refusals import Refusals


def texts(mails, refusals, health):
    """What the notes of the next `mails` tell, sorted."""
    told = []
    for _ in range(mails):
        notes = tuple(health.notes)
        health.delivered(notes)
        refusals.told(notes)
        told += notes
    return sorted(told)


def mail(*numbers):
    return Mail(numbers, None, ())


def quietly(act):
    before, log.level = log.level, 100
    try:
        return act()
    finally:
        log.level = before


def test_more_refusals_than_a_mail_has_notes_are_told_by_those_after_it():
    box, health = Box(), Health(None)
    refusals = Refusals(box, health)
    for count in range(9):
        quietly(lambda: refusals.keep(mail(1, 2), "%d@contoso.test" % count, NOBODY))  # noqa: B023 - called at once
    equal(box.were_told, [])
    told = texts(2, refusals, health)
    equal((len(told), box.were_told), (8, []))  # one of each record is untold
    told += texts(1, refusals, health)
    equal(sorted(told), ["%d@contoso.test does not get alerts 1 to 2. unknown" % count for count in range(9)])
    equal((sorted(box.were_told), health.notes), ([1, 2], []))


def test_what_other_notes_drove_out_is_told_by_the_next_mail():
    box, health = Box(), Health(None)
    refusals = Refusals(box, health)
    quietly(lambda: refusals.keep(mail(1), "a@contoso.test", NOBODY))
    for count in range(4):
        health.note("Mail was delayed. %d" % count)
    equal((len(texts(1, refusals, health)), box.were_told), (4, []))
    equal((len(texts(1, refusals, health)), box.were_told), (1, [1]))


def test_what_is_kept_in_memory_is_bounded():
    box, health = Box(), Health(None)
    refusals = Refusals(box, health)
    for count in range(200):
        quietly(lambda: refusals.keep(mail(count), "%d@contoso.test" % count, NOBODY))  # noqa: B023
    equal(len(texts(100, refusals, health)), 40)
