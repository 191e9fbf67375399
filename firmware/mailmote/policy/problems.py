"""What is wrong with a settings file, in words: each problem names its key, the rule and the fix."""

from ..addresses import has_control
from ..compat import const

ERROR = "error"
WARNING = "warning"

_SHOWN = const(60)  # characters of a value in a message: enough to know it again
_LISTED = const(12)  # known names in a message
_COMPARED = const(40)  # characters; a longer word is no slip of a known one

_SECRET_WORDS = (
    "passw",
    "pwd",
    "passphrase",
    "secret",
    "token",
    "psk",
    "credential",
    "api_key",
    "private_key",
)
_SECRET_NAMES = ("pass", "pw")

_TYPES = ((str, "text"), (bool, "true or false"), (int, "a whole number"), (float, "a number"))


class Problem:
    """`path` leads to the key, as in ("alarm", 0, "for"); `level` is ERROR or WARNING."""

    __slots__ = ("path", "level", "text")

    def __init__(self, path, level, text):
        self.path = path
        self.level = level
        self.text = text

    def __repr__(self):
        return "Problem(%r, %r, %r)" % (self.path, self.level, self.text)


class Findings:
    """Collects the problems of one file."""

    def __init__(self):
        self.problems = []
        self._unusable = set()

    def error(self, path, text):
        self.problems.append(Problem(path, ERROR, text))

    def warning(self, path, text):
        self.problems.append(Problem(path, WARNING, text))

    def unusable(self, path, text):
        """An error after which no other rule should look at the value."""
        self._unusable.add(path)
        self.error(path, text)

    def is_unusable(self, path):
        return path in self._unusable

    @property
    def failed(self):
        return any(problem.level == ERROR for problem in self.problems)


def controls(text):
    """True where text holds a control character of Unicode's category Cc, line breaks included."""
    return has_control(text) or any("\x80" <= character <= "\x9f" for character in text)


def names_secret(key):
    """True for a key that asks for a password, a token or the like."""
    key = key.lower().replace("-", "_")
    return key in _SECRET_NAMES or any(word in key for word in _SECRET_WORDS)


def type_word(value):
    """The type of a value of a TOML file, in words."""
    for kind, word in _TYPES:
        if type(value) is kind:
            return word
    if isinstance(value, dict):
        return "a table"
    return "a list" if isinstance(value, list) else "a date or a time"


def shown(value):
    """A value for a message: bounded, control characters escaped, and no `user:password@host`."""
    if type(value) is int and not -(10**18) < value < 10**18:
        return "a number of more than 18 digits"
    if not isinstance(value, str):
        return str(value) if type(value) in (int, float) else type_word(value)
    if "@" in value and ":" in value:
        return '"...@..."'
    clipped = value[:_SHOWN]
    text = "".join("\\x%02x" % ord(one) if controls(one) else one for one in clipped)
    if len(text) > _SHOWN or len(clipped) < len(value):
        text = text[: _SHOWN - 3] + "..."
    return '"%s"' % text


def listed(names):
    """Known names for a message, bounded."""
    text = ", ".join(shown(name)[1:-1] for name in names[:_LISTED])
    return text + (", ..." if len(names) > _LISTED else "")


def suggestion(word, known):
    """`did you mean "host"?` for a slip of a known word, else the list of the known ones."""
    close = nearest(word, known)
    if close is not None:
        return 'did you mean "%s"?' % close
    return "known here: %s" % listed(known) if known else "there is none"


def nearest(word, known):
    """The known word that a slip or two away is `word`, or None."""
    word = word.lower().replace("-", "_")
    if len(word) > _COMPARED:
        return None
    best, least = None, max(1, len(word) // 3) + 1
    for candidate in known:
        distance = _distance(word, candidate.lower().replace("-", "_"))
        if distance < least and distance < len(candidate):
            best, least = candidate, distance
    return best


def _distance(one, other):
    """Edit distance, where swapping two neighbours counts once."""
    before = None
    row = list(range(len(other) + 1))
    for i, left in enumerate(one):
        following = [i + 1]
        for j, right in enumerate(other):
            cost = min(row[j + 1] + 1, following[j] + 1, row[j] + (left != right))
            if i and j and left == other[j - 1] and one[i - 1] == right:
                cost = min(cost, before[j - 1] + 1)
            following.append(cost)
        before, row = row, following
    return row[-1]
