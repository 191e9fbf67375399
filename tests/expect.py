"""What a test case needs on either runtime, pytest not being on MicroPython."""


def raises(error, call, *arguments):
    """Call, expect `error` (a class), and return the exception."""
    try:
        result = call(*arguments)
    except error as caught:
        return caught
    raise AssertionError("%s was not raised; the call returned %r" % (error.__name__, result))


def equal(got, wanted):
    """Fail with both values shown: MicroPython's assert shows neither."""
    if got != wanted:
        raise AssertionError("got    %r\nwanted %r" % (got, wanted))
