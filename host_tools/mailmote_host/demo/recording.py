"""The recorded readings that the demonstrations play."""

from importlib import resources

from ..errors import HostError

_FILE = "machine_temperature_system_failure.csv"


def recording() -> bytes:
    """Lines of `timestamp,value`, one each five minutes for two months. Raises HostError."""
    try:
        return resources.files("mailmote_host").joinpath("data", _FILE).read_bytes()
    except OSError as error:
        raise HostError(
            f"the recording is missing ({error}). Reinstall mailmote, or check it out again."
        ) from error
