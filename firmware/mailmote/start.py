"""What a board does after every reset: what its settings ask for, until that ends or crashes.

Only what is needed is loaded: a board that sleeps between readings mostly needs little.
"""

import asyncio
import json

from . import compat, log
from .crashes import Crashes
from .errors import SettingsError
from .supervisor import WATCHDOG_S, watchdog

_SETTINGS = "settings.json"


def load_settings():
    """The settings of the board. Raises SettingsError."""
    stored_settings = compat.borrow("mailmote.policy.stored_settings")
    try:
        with open(_SETTINGS) as file:
            return stored_settings.load(json.load(file))
    except OSError:
        raise SettingsError("The board has no settings. Run `mailmote provision` with its mote.toml.")
    except ValueError:
        raise SettingsError("settings.json is damaged. Run `mailmote provision` again.")


def main():
    """What main.py runs. From the settings on, whatever ends it, the watchdog starts the board again."""
    try:
        settings = load_settings()
    except SettingsError as error:
        log.error("agent", error)
        return
    crashes = Crashes()
    crashes.begin(WATCHDOG_S)
    dog = watchdog()
    again = False
    try:
        again = _work(settings, crashes, dog)
    except KeyboardInterrupt:
        crashes.forgive()
        log.info(
            "agent", "Stopped by Ctrl-C. Every waiting alert is kept. The watchdog restarts the board soon."
        )
    except Exception as error:
        compat.collect()
        again = crashes.failed("The agent", error)
        log.error("agent", "The agent cannot run. The watchdog restarts the board soon.")
        log.exception("agent", error)
    crashes.ended()
    if again:
        import machine

        machine.reset()


def _work(settings, crashes, dog):
    """True where the board is to be started again. In safe mode a board does not sleep: it mails."""
    if settings["device"]["power"] == "battery" and not crashes.safe:
        from . import battery

        battery.run(settings, _SETTINGS, dog, crashes)
    compat.learn_names("mailmote.dispatch")
    from .agent import Agent

    return asyncio.run(Agent(settings, crashes).run(dog))
