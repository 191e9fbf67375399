"""What the agent does when the flash or a secret fails."""

import asyncio
import os
import sys

from expect import equal, raises
from flash_folder import on_flash

from mailmote import agent, errors, event, log, redaction, wifi
from mailmote.policy import stored_settings

SETTINGS = stored_settings.load(
    {
        "v": stored_settings.VERSION,
        "device": {"name": "mote", "utc_offset_s": 0},
        "mail": {
            "option": "direct-send",
            "from": "mote@contoso.test",
            "host": "mail.contoso.test",
            "port": 25,
            "tls": "none",
            "to": ["a@contoso.test"],
            "auth": "none",
        },
        "clock": {"ntp": ["ntp.contoso.test"]},
        "sensors": [],
        "alarms": [],
    }
)


class Flash:
    """An outbox that refuses while it is `full`."""

    def __init__(self):
        self.full = True
        self.stored = []

    def __len__(self):
        return len(self.stored)

    def enqueue(self, one, recipients, dated=False):
        if self.full:
            raise errors.StorageError("planned")
        self.stored.append(one.alarm)
        self.dated = dated


def alarm(number):
    return event.Event(event.ALARM, event.NO_READING, "alarm %d" % number, 0, 60)


def quietly(test):
    """Run `test()` with an empty flash; the lines it logs."""
    before = list(log._ring), log.level
    log._ring[:], log.level = [], log.INFO
    try:
        on_flash(test)
        return "\n".join(log._ring)
    finally:
        log._ring[:], log.level = before


def test_what_the_flash_refuses_is_stored_later_in_order():
    def check():
        one = agent.Agent(SETTINGS)
        one._outbox = flash = Flash()
        one._tell(())
        one._tell((alarm(1), alarm(2)))
        one._tell((alarm(3),))
        equal((flash.stored, len(one._unstored), one._courier._arrived.is_set()), ([], 3, False))
        flash.full = False
        one._store()
        equal((flash.stored, one._unstored), (["alarm 1", "alarm 2", "alarm 3"], []))
        equal((one._courier._arrived.is_set(), one._health.dropped), (True, 0))

    quietly(check)


def test_of_what_the_flash_refuses_the_last_sixteen_are_kept_and_the_rest_is_counted():
    def check():
        one = agent.Agent(SETTINGS)
        one._outbox = flash = Flash()
        for number in range(20):
            one._tell((alarm(number),))
        equal((len(one._unstored), one._health.dropped), (16, 4))
        flash.full = False
        one._store()
        equal(flash.stored, ["alarm %d" % number for number in range(4, 20)])

    quietly(check)


def test_a_sign_in_that_is_not_renewed_is_told_by_mail_with_the_reason():
    def check():
        one = agent.Agent(SETTINGS)
        one._outbox = flash = Flash()
        flash.full = False
        one._warn(1700000000, errors.FixSettings("Sign the board in again.", "aadsts-700082"))
        equal(flash.stored, ["Sign-in"])
        equal(one._health.notes, ["The sign-in was not renewed. Sign the board in again."])

    quietly(check)


class Nvs:
    """No secrets but these."""

    SECRETS = {"wifi.password": b"canary-wifi", "no-text": b"caf\xe9"}

    def __init__(self, namespace):
        pass

    def get_blob(self, name, buffer):
        if name not in self.SECRETS:
            raise OSError(-0x1102, "ESP_ERR_NVS_NOT_FOUND")
        secret = self.SECRETS[name]
        buffer[: len(secret)] = secret
        return len(secret)


class Esp32:
    NVS = Nvs


def test_the_wifi_password_is_hidden_and_a_missing_one_is_told():
    before, hidden = sys.modules.get("esp32"), list(redaction._secrets)
    sys.modules["esp32"] = Esp32()

    def check():
        equal(wifi.link_of({"ssid": "Plant", "password": "wifi.password"})._password, "canary-wifi")
        equal(redaction.redacted("canary-wifi"), "***")
        link = wifi.link_of({"ssid": "Plant", "password": "gone"})
        equal((link._password, link.up), ("", False))
        equal(wifi.link_of({"ssid": "Plant", "password": "no-text"})._password, "")
        equal((wifi.link_of(None).up, wifi.link_of({}).up), (True, True))

    try:
        said = quietly(check)
    finally:
        redaction._secrets[:] = hidden
        sys.modules.pop("esp32")
        if before:
            sys.modules["esp32"] = before
    equal("The board has no secret named gone." in said, True)
    equal("not UTF-8 text. Provision it again." in said, True)


class Told:
    """Stands for Crashes, and for `machine`: what it was told, in order."""

    safe = after_one = False

    def __init__(self, looping=False):
        self.told = []
        self.looping = looping

    def __call__(self):
        return self

    def begin(self, watchdog_s):
        self.told.append("begin %d" % watchdog_s)

    def failed(self, what, error):
        self.told.append("%s: %r" % (what, error))
        return self.looping

    def forgive(self):
        self.told.append("forgive")

    def ended(self):
        self.told.append("ended")

    def reset(self):
        self.told.append("reset")


def test_in_safe_mode_there_is_no_sensor():
    def check():
        for safe, names in ((False, ["Door"]), (True, [])):
            crashes = Told()
            crashes.safe = safe
            one = agent.Agent(dict(SETTINGS, sensors=[{"name": "Door", "driver": "digital"}]), crashes)
            equal((safe, [watcher.name for watcher in one._watchers]), (safe, names))

    quietly(check)


def test_an_alert_is_dated_once_the_clock_is_sure():
    def check():
        one = agent.Agent(SETTINGS)
        one._outbox = flash = Flash()
        flash.full = False
        before = agent.clock.is_sure
        try:
            for sure in (False, True):
                agent.clock.is_sure = lambda sure=sure: sure
                one._tell((alarm(1),))
                equal(flash.dated, sure)
        finally:
            agent.clock.is_sure = before

    quietly(check)


def test_a_pause_is_kept_while_it_lasts_and_no_longer():
    kept = []

    class Rtc:
        COURIER = 3
        write = staticmethod(lambda section, data: kept.append((section, data)))

    class Once:
        async def sleep(self, seconds):
            raise StopTick

    class StopTick(Exception):
        pass

    def check():
        one = agent.Agent(SETTINGS)
        before, agent.rtc = agent.rtc, Rtc
        try:
            for trouble in (errors.RetryLater("busy", "server-busy"), None):
                one._courier.trouble = trouble
                raises(StopTick, asyncio.run, one._tick(Once()))
            equal(kept, [(3, one._courier.pack()), (3, None)])
        finally:
            agent.rtc = before

    quietly(check)


def test_after_a_crash_it_is_told_and_a_pause_goes_on_and_after_another_start_neither():
    packed = []

    class Rtc:
        COURIER = 3

        @staticmethod
        def read(section):
            return packed[0]

    def check():
        one = agent.Agent(SETTINGS)
        one._courier._routes.all[0].failed(errors.FixSettings("locked", "account-locked"), 0, 0)
        packed.append(one._courier.pack())
        one._outbox.enqueue(alarm(1), ["a@contoso.test"])
        before, agent.rtc, told = agent.rtc, Rtc, agent.crash_text
        agent.crash_text = lambda: "The task x failed: ValueError\nmore"
        try:
            for after_one in (True, False):
                crashes = Told()
                crashes.after_one = after_one
                one = agent.Agent(SETTINGS, crashes)
                notes = ["The board started again after a crash. The task x failed: ValueError"]
                equal((after_one, one._health.notes), (after_one, notes if after_one else []))
                equal((after_one, one._courier._routes.pause_s(0) >= 3599), (after_one, after_one))
        finally:
            agent.rtc, agent.crash_text = before, told

    quietly(check)


def test_a_folder_that_is_there_is_no_fault():
    def check():
        agent.Agent(SETTINGS)
        agent.Agent(SETTINGS)
        equal(sorted(os.listdir()), ["bad", "outbox", "refused"])

    quietly(check)
