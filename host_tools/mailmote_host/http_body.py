"""The body of an answer over HTTP as it comes, in bounds of time: a server may send an octet a minute."""

import time
from collections.abc import Iterator

import requests
import urllib3.exceptions

_CHUNK_BYTES = 64 << 10


class TooSlowError(Exception):
    """The body has not ended in time."""


def chunks(answer: requests.Response, within_s: float) -> Iterator[bytes]:
    """Whatever has come, again and again; `answer` was asked for with stream=True.

    Raises TooSlowError after `within_s`, and requests.RequestException.
    """
    end_s = time.monotonic() + within_s
    while chunk := _read(answer):
        yield chunk
        if time.monotonic() > end_s:
            raise TooSlowError


def _read(answer: requests.Response) -> bytes:
    """Not by `iter_content`, which returns once a chunk is full. The errors are those that it raises."""
    try:
        return answer.raw.read1(_CHUNK_BYTES, decode_content=True)
    except urllib3.exceptions.ProtocolError as error:
        raise requests.exceptions.ChunkedEncodingError(error) from error
    except urllib3.exceptions.DecodeError as error:
        raise requests.exceptions.ContentDecodingError(error) from error
    except urllib3.exceptions.ReadTimeoutError as error:
        raise requests.exceptions.ReadTimeout(error) from error
    except urllib3.exceptions.SSLError as error:
        raise requests.exceptions.SSLError(error) from error
