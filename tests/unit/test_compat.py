"""What only CPython's side of compat.py can do wrong."""

import asyncio
import ssl

import pytest

from mailmote import compat


def test_what_came_in_clear_before_the_handshake_is_refused():
    async def check():
        reader = asyncio.StreamReader()
        reader.feed_data(b"250 AUTH PLAIN\r\n")
        with pytest.raises(ValueError, match="in clear before the TLS handshake"):
            await compat.start_tls((reader, None), ssl.create_default_context(), "mail.contoso.test")

    asyncio.run(check())
