"""What the agent does when the flash, the settings or a secret fails."""

import os
import sys

from expect import equal, raises
from flash_folder import on_flash

from mailmote import agent, errors, event, log, redaction

SETTINGS = {
    "device": {"name": "mote", "utc_offset_s": 0, "power": "mains"},
    "mail": {"option": "direct-send", "host": "mail.contoso.test", "to": ["a@contoso.test"], "auth": "none"},
    "clock": {"ntp": ["ntp.contoso.test"]},
    "sensors": [],
    "alarms": [],
    "fallbacks": [],
    "retry": {"first_s": 60, "cap_s": 3600, "expire_after_s": 0},
    "limits": {
        "mailbox_share": 1.0,
        "recipients_per_day": 10000,
        "digest_after_s": 900,
        "changes_per_hour": 6,
    },
}


class Flash:
    """An outbox that refuses while it is `full`."""

    def __init__(self):
        self.full = True
        self.stored = []

    def __len__(self):
        return len(self.stored)

    def enqueue(self, one, recipients):
        if self.full:
            raise errors.StorageError("planned")
        self.stored.append(one.alarm)


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
        equal(agent._link({"ssid": "Plant", "password": "wifi.password"})._password, "canary-wifi")
        equal(redaction.redacted("canary-wifi"), "***")
        link = agent._link({"ssid": "Plant", "password": "gone"})
        equal((link._password, link.up), ("", False))
        equal(agent._link({"ssid": "Plant", "password": "no-text"})._password, "")
        equal((agent._link(None).up, agent._link({}).up), (True, True))

    try:
        said = quietly(check)
    finally:
        redaction._secrets[:] = hidden
        sys.modules.pop("esp32")
        if before:
            sys.modules["esp32"] = before
    equal("The board has no secret named gone." in said, True)
    equal("not UTF-8 text. Provision it again." in said, True)


def write(text):
    with open("settings.json", "w") as file:
        file.write(text)


def test_settings_that_cannot_be_used_say_what_to_run():
    def check():
        for prepare in (lambda: None, lambda: write("[1, 2"), lambda: write("[1, 2]"), lambda: write("")):
            prepare()
            error = raises(errors.SettingsError, agent.load_settings)
            equal("mailmote provision" in str(error), True)

    quietly(check)


class Broken:
    """Stands for Agent: it raises `end`, or returns it."""

    def __init__(self, end):
        self.end = end

    def __call__(self, settings, crashes):
        return self

    async def run(self, dog):
        if isinstance(self.end, BaseException):
            raise self.end
        return self.end


class Told:
    """Stands for Crashes, and for `machine`: what it was told, in order."""

    safe = False

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


def started(*, settings, end=None, crashes=None):
    """(whether the watchdog was started, what was logged) when the agent of main() ends so."""
    dogs = []
    before = agent.load_settings, agent.Agent, agent.watchdog, agent.Crashes, sys.modules.get("machine")

    def load():
        if isinstance(settings, Exception):
            raise settings
        return settings

    agent.load_settings, agent.Agent, agent.watchdog = load, Broken(end), lambda: dogs.append(1)
    agent.Crashes = sys.modules["machine"] = crashes or Told()
    try:
        said = quietly(agent.main)
    finally:
        agent.load_settings, agent.Agent, agent.watchdog, agent.Crashes = before[:4]
        sys.modules.pop("machine")
        if before[4] is not None:
            sys.modules["machine"] = before[4]
    return len(dogs), said


def test_a_board_without_settings_starts_no_watchdog():
    dogs, said = started(settings=errors.SettingsError("Run `mailmote provision`."))
    equal((dogs, "E agent: Run `mailmote provision`." in said), (0, True))


def test_whatever_ends_the_agent_is_told_and_left_to_the_watchdog():
    for error, words in (
        (ValueError("planned"), "E agent: ValueError: planned"),
        (MemoryError("planned"), "E agent: MemoryError: planned"),
        (KeyboardInterrupt(), "Stopped by Ctrl-C."),
    ):
        dogs, said = started(settings=SETTINGS, end=error)
        equal((dogs, words in said), (1, True))


def test_an_end_by_an_exception_is_a_crash_and_one_by_a_person_is_forgiven():
    for end, looping, told in (
        (ValueError("planned"), False, ["The agent: %r" % ValueError("planned"), "ended"]),
        (ValueError("planned"), True, ["The agent: %r" % ValueError("planned"), "ended", "reset"]),
        (KeyboardInterrupt(), True, ["forgive", "ended"]),
        (True, False, ["ended", "reset"]),
        (False, False, ["ended"]),
    ):
        crashes = Told(looping)
        started(settings=SETTINGS, end=end, crashes=crashes)
        equal(crashes.told, ["begin 180"] + told)


def test_in_safe_mode_there_is_no_sensor():
    def check():
        for safe, names in ((False, ["Door"]), (True, [])):
            crashes = Told()
            crashes.safe = safe
            one = agent.Agent(dict(SETTINGS, sensors=[{"name": "Door", "driver": "digital"}]), crashes)
            equal((safe, [watcher.name for watcher in one._watchers]), (safe, names))

    quietly(check)


def test_a_folder_that_is_there_is_no_fault():
    def check():
        agent.Agent(SETTINGS)
        agent.Agent(SETTINGS)
        equal(sorted(os.listdir()), ["bad", "outbox", "refused"])

    quietly(check)
