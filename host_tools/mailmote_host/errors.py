"""What a command tells instead of a traceback: one line with what happened, why, and the fix."""


class HostError(Exception):
    """The work failed."""

    exit_code = 1


class UsageError(HostError):
    """The command cannot be carried out as it was given."""

    exit_code = 2
