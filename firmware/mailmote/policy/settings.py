"""The one check of a settings file, before anything is written or sent.

For the host and for tests: the board gets settings that passed, and loads them with `stored_settings`.
"""

from . import fields, routes, rules
from .problems import Findings, controls, names_secret, shown, suggestion
from .stored_settings import VERSION

_MAX_DEPTH = 4  # [[alarm]] holds lists of text, and nothing holds more

_SINGLE = (
    ("device", fields.DEVICE),
    ("wifi", fields.WIFI),
    ("clock", fields.CLOCK),
    ("retry", fields.RETRY),
    ("limits", fields.LIMITS),
    ("alive", fields.ALIVE),
)
_WITH_DEFAULTS = ("clock", "retry", "limits")  # tables that are there without being written

_NO_SECRETS = (
    "secrets never live in mote.toml, which people copy and mail. Take the line out: `mailmote provision` "
    "asks for passwords, client secrets and sign-ins and keeps them on the board, apart from the settings"
)


def validate(document, drivers):
    """(settings, problems) of a parsed mote.toml.

    `document` is the dict that a TOML parser gives. `drivers` maps the name of each sensor driver to its
    options, a mapping of name to (type, default, words): a default of `...` makes the option required, None
    leaves it out. `settings` is what the board gets as JSON, or None where a problem is an error. All the
    problems are told at once.
    """
    findings = Findings()
    _refuse_everywhere(document, (), findings)
    tables = _tables(document, findings)
    single = {name: _single(tables, name, rows, findings) for name, rows in _SINGLE}
    mails = [(path, routes.read_route(table, path, findings)) for path, table in tables["mail"]]
    sensors = _sensors(tables["sensor"], drivers, findings)
    alarms = _alarms(tables["alarm"], sensors, findings)
    if single["device"] is not None:
        rules.check_device(single["device"], sensors, findings)
    rules.check_retry(single["retry"], findings)
    rules.check_limits(single["limits"], findings)
    if mails:
        routes.fill(mails, tables["oauth"], findings)
        routes.check_recipients(mails, alarms, findings)
    if findings.failed:
        return None, findings.problems
    present = {name: values for name, values in single.items() if values is not None}
    if "wifi" in present:
        present["wifi"]["password"] = "wifi.password"  # noqa: S105 - the name of a secret
    present["clock"]["ntp"] = list(present["clock"]["ntp"])
    ways = [mail for _, mail in mails]
    settings = dict(present, v=VERSION, mail=ways[0], fallbacks=ways[1:], sensors=sensors, alarms=alarms)
    return settings, findings.problems


def _refuse_everywhere(value, path, findings):
    """What no key and no value may be, whether known or not: control characters, and secrets."""
    if len(path) >= _MAX_DEPTH and isinstance(value, (dict, list)):
        findings.unusable(path, "is nested too deeply: no key of mailmote holds tables in lists in tables")
    elif isinstance(value, dict):
        for key in value:
            here = path + (key,)
            if controls(key):
                findings.unusable(here, "the key has a control character: type it anew")
            elif names_secret(key):
                findings.unusable(here, _NO_SECRETS)
            else:
                _refuse_everywhere(value[key], here, findings)
    elif isinstance(value, list):
        for index, entry in enumerate(value):
            _refuse_everywhere(entry, path + (index,), findings)
    elif isinstance(value, str) and controls(value):
        findings.unusable(
            path,
            "%s has a control character, such as a line break or a tab: it could forge a line of a mail. "
            "Type it anew, in one line" % shown(value),
        )


def _tables(document, findings):
    """The tables by name: a dict or None for single ones, a list of (path, dict) for the others."""
    known = tuple(row[0] for row in fields.TABLES)
    fields.refuse_unknown(document, known, (), findings)
    found = {}
    for name, _, most, required in fields.TABLES:
        path = (name,)
        value = document.get(name)
        found[name] = None if most is None else []
        if value is None:
            if required:
                findings.error(path, "is missing: add %s" % _header(name, most))
        elif most is None:
            if isinstance(value, dict):
                found[name] = value
            else:
                findings.unusable(
                    path, "must be one table: write %s once, in single brackets" % _header(name, most)
                )
        elif name == fields.ALSO_SINGLE and isinstance(value, dict):
            found[name] = [(path, value)]
        elif name == fields.ALSO_SINGLE and not _is_list_of_tables(value):
            findings.error(
                path,
                "must be a table: write [mail] once, in single brackets, or [[mail]] for each of several "
                "ways to send",
            )
        elif not _is_list_of_tables(value):
            findings.error(
                path, "must be a list of tables: write %s, in double brackets" % _header(name, most)
            )
        else:
            if len(value) > most:
                findings.error(
                    path, "there are %d; at most %d, so that all fit the memory" % (len(value), most)
                )
            found[name] = [(path + (index,), entry) for index, entry in enumerate(value[:most])]
    return found


def _is_list_of_tables(value):
    return isinstance(value, list) and bool(value) and all(isinstance(entry, dict) for entry in value)


def _header(name, most):
    return "[%s]" % name if most is None or name == fields.ALSO_SINGLE else "[[%s]]" % name


def _single(tables, name, rows, findings):
    """The values of a table; None where one without defaults is not there."""
    table = tables[name]
    if table is None:
        if name not in _WITH_DEFAULTS:
            return None
        table = {}
    fields.refuse_unknown(table, fields.keys(rows), (name,), findings)
    return fields.read(table, rows, (name,), findings)


def _sensors(tables, drivers, findings):
    known = fields.keys(fields.SENSOR)
    sensors = []
    for path, table in tables:
        sensor = fields.read(table, fields.SENSOR, path, findings)
        driver = sensor["driver"]
        if driver in drivers:
            own = drivers[driver]
            fields.refuse_unknown(table, known + tuple(sorted(own)), path, findings)
            sensor["options"] = fields.read_options(table, own, path, findings)
        elif driver is not None:
            findings.error(
                path + ("driver",),
                "%s is no sensor driver: %s" % (shown(driver), suggestion(driver, sorted(drivers))),
            )
        sensors.append(sensor)
    rules.check_unique(sensors, "sensor", findings)
    return sensors


def _alarms(tables, sensors, findings):
    by_name = {sensor["name"]: sensor for sensor in sensors}
    alarms = []
    for path, table in tables:
        fields.refuse_unknown(table, fields.keys(fields.ALARM), path, findings)
        alarm = fields.read(table, fields.ALARM, path, findings)
        rules.check_alarm(alarm, path, by_name, findings)
        alarms.append(alarm)
    rules.check_unique(alarms, "alarm", findings)
    return alarms
