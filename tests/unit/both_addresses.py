"""Mail addresses and domains: what passes at the limit, and what fails one step beyond."""

from expect import equal

from mailmote import addresses

LABEL = "a" * 63
DOMAIN_255 = ".".join([LABEL] * 3 + ["b" * 63])
LOCAL_64 = "x" * 64
PATH_254 = "y" * 60 + "@" + ".".join([LABEL, LABEL, "c" * 61, "com"])


def faults(check, table):
    for text, words in table:
        found = check(text)
        if (found is None) != (words is None) or (words and words not in found):
            raise AssertionError("%r: got %r, wanted %r" % (text, found, words))


def test_domains():
    equal((len(DOMAIN_255), len(PATH_254)), (255, 254))
    faults(
        addresses.domain_fault,
        (
            ("contoso.test", None),
            ("localhost", None),
            ("a-1.b", None),
            (LABEL, None),
            (DOMAIN_255, None),
            ("", "empty"),
            (DOMAIN_255 + ".c", "longer than 255"),
            (LABEL + "a", "1 to 63"),
            ("a..b", "1 to 63"),
            (".a", "1 to 63"),
            ("a.", "1 to 63"),
            ("-a.b", "hyphen"),
            ("a-.b", "hyphen"),
            ("a_b.c", "letters, digits"),
            ("a b.c", "letters, digits"),
            ("a\r\nb.c", "letters, digits"),
            ("a\x7f.b", "letters, digits"),
            ("\u00e4.test", "letters, digits"),
            ("\u0663.test", "letters, digits"),
        ),
    )


def test_addresses():
    faults(
        addresses.address_fault,
        (
            ("mote@contoso.test", None),
            ("a.b+c_d'e@contoso.test", None),
            ("!#$%&'*+-/=?^_`{|}~@contoso.test", None),
            (LOCAL_64 + "@contoso.test", None),
            (PATH_254, None),
            ("", "looks like"),
            ("mote", "looks like"),
            ("@contoso.test", "looks like"),
            ("x" + LOCAL_64 + "@contoso.test", "too long"),
            ("y" + PATH_254, "too long"),
            (".a@contoso.test", "dot"),
            ("a.@contoso.test", "dot"),
            ("a..b@contoso.test", "dot"),
            ("a b@contoso.test", "character"),
            ("a@b@contoso.test", "character"),
            ('"a"@contoso.test', "character"),
            ("<a>@contoso.test", "character"),
            ("a\n@contoso.test", "character"),
            ("a\x7f@contoso.test", "character"),
            ("\u00e4@contoso.test", "character"),
            ("\u0663@contoso.test", "character"),
            ("mote@contoso", "no dot"),
            ("mote@", "no dot"),
            ("mote@contoso..test", "1 to 63"),
            ("mote@[192.0.2.1]", "letters, digits"),
        ),
    )


def test_control_characters():
    for text, found in (("", False), ("a b~\u00e4", False), ("a\tb", True), ("\x00", True), ("a\x7f", True)):
        equal((text, addresses.has_control(text)), (text, found))


def test_ip_addresses():
    for host, found in (
        ("192.0.2.1", True),
        ("[192.0.2.1]", True),
        ("2001:db8::1", True),
        ("[2001:db8::1]", True),
        ("192.0.2", False),
        ("192.0.2.1.5", False),
        ("1.2.3.test", False),
        ("mail.contoso.test", False),
        ("", False),
    ):
        equal((host, addresses.is_ip(host)), (host, found))


def test_the_domain_of_an_address_is_in_lower_case():
    equal(addresses.domain_of("Mote@Contoso.TEST"), "contoso.test")
