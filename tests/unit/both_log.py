"""The log: what it keeps, and what it never shows."""

from expect import equal

from mailmote import log, redaction


def written(write):
    """The lines that `write()` adds to the ring; the secrets and the ring are as before afterwards."""
    before = list(log._ring), list(redaction._secrets), log.level
    log._ring[:] = []
    log.level = log.INFO
    try:
        write()
        return list(log._ring)
    finally:
        log._ring[:], redaction._secrets[:], log.level = before


def test_a_secret_shows_neither_as_it_is_nor_in_base64():
    def write():
        redaction.hide(b"canary-password")
        redaction.hide("canary-wifi")
        log.info("part", "%s and %s", "canary-password", "Y2FuYXJ5LXBhc3N3b3Jk")
        log.error("part", ValueError("canary-wifi is wrong"))
        try:
            raise ValueError("canary-password")
        except ValueError as error:
            log.exception("part", error)

    text = "\n".join(written(write))
    equal(("canary" in text, "Y2FuYXJ5" in text, "*** and ***" in text), (False, False, True))


def test_the_ring_keeps_the_last_lines_within_bounds():
    lines = written(lambda: [log.info("part", "line %d %s", number, "x " * 1000) for number in range(40)])
    equal((len(lines), "line 39" in lines[-1], max(len(line) for line in lines)), (8, True, 600))


def test_levels():
    lines = written(lambda: (log.debug("part", "no"), log.warning("part", "yes")))
    equal((len(lines), " W part: yes" in lines[0]), (1, True))


def test_a_percent_sign_without_values_is_text():
    equal(" I part: 100 % of %s" in written(lambda: log.info("part", "100 % of %s"))[0], True)


def test_a_traceback_has_no_empty_lines():
    def write():
        try:
            raise ValueError("planned")
        except ValueError as error:
            log.exception("part", error)

    lines = written(write)
    equal("ValueError: planned" in lines[-1], True)
    equal([line for line in lines if line.endswith("part: ")], [])
