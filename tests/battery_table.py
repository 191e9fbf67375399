"""The table of a board that sleeps, at the end of a test run: what a week cost it, on each runtime."""

from typing import Any

_ROWS = (
    ("wakes", "wakes"),
    ("of these touched the radio", "radio"),
    ("  while there was no Wi-Fi", "radio in vain"),
    ("of these touched the flash", "flash"),
    ("connections to the server", "connections"),
    ("alerts raised", "raised"),
    ("alerts delivered", "delivered"),
    ("in so many mails", "mails"),
    ("octets of RTC memory at most", "rtc bytes"),
)


def write(terminal: Any) -> None:
    """Write the table of the weeks that were simulated; nothing where there was none."""
    weeks = {}
    for report in terminal.stats.get("passed", []) + terminal.stats.get("failed", []):
        for name, value in getattr(report, "user_properties", ()):
            if name == "battery":
                weeks[value[0]] = value[1]
    if weeks:
        terminal.section("a week on a battery: a sensor every 5 minutes")
        runtimes = sorted(weeks)
        terminal.write_line(" " * 30 + "".join(f"{runtime:>13}" for runtime in runtimes))
        for words, name in _ROWS:
            terminal.write_line(f"{words:30}" + "".join(f"{weeks[one][name]:>13}" for one in runtimes))
