"""Small numbers on the flash."""

import os

from expect import equal, raises
from flash_folder import on_flash

from mailmote.errors import StorageError
from mailmote.store import state


def test_a_number_comes_back_and_the_last_one_counts():
    def check():
        equal(state.read("clock-floor"), None)
        for number in (0, 7, 1800000000, 999999999999, 5):
            state.write("clock-floor", number)
            equal(state.read("clock-floor"), number)
        state.write("signed-in", 1)
        equal((state.read("clock-floor"), state.read("signed-in")), (5, 1))
        equal(sorted(os.listdir("state")), ["clock-floor", "signed-in"])

    on_flash(check)


def test_what_is_damaged_is_no_number():
    def check():
        state.write("clock-floor", 1)
        for damage in (b"", b"-1", b"12a", b"1 2", b"\xff\xff", b"1" * 13, b"1\n", b"0x10"):
            with open("state/clock-floor", "wb") as file:
                file.write(damage)
            equal(state.read("clock-floor"), None)
        state.write("clock-floor", 2)
        equal(state.read("clock-floor"), 2)

    on_flash(check)


def test_a_cut_before_the_rename_leaves_the_old_number():
    def check():
        state.write("clock-floor", 1)
        with open("state/tmp", "wb") as file:
            file.write(b"22")
        equal(state.read("clock-floor"), 1)

    on_flash(check)


def test_a_flash_that_fails_is_told():
    def check():
        with open("state", "wb") as file:
            file.write(b"a file where the folder should be")
        equal(raises(StorageError, state.write, "clock-floor", 1).key, "flash-failed")
        equal(state.read("clock-floor"), None)

    on_flash(check)
