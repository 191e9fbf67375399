"""SPF by RFC 7208, against a DNS server on loopback: the result, the reason, and the record that is right."""

import pytest
from dns_server import SERVFAIL, DnsServer

from mailmote_host.doctor import spf
from mailmote_host.doctor.dns import Names
from mailmote_host.doctor.spf_record import BadRecord, Record, expanded, to_publish

SENDER = "freezer@contoso.com"
SITE = "203.0.113.7"
OUTLOOK = {"TXT": ['"v=spf1 ip4:40.92.0.0/15 ip6:2a01:111:f400::/48 -all"']}


def txt(*records):
    return {"TXT": [f'"{record}"' for record in records]}


def evaluate(zones, address=SITE, sender=SENDER):
    with DnsServer({"spf.protection.outlook.com": OUTLOOK, **zones}) as server:
        return spf.evaluate(address, sender, Names(server.address, 5))


def result(record, address=SITE, **zones):
    others = {name.replace("_", "."): records for name, records in zones.items()}
    return evaluate({"contoso.com": txt(record), **others}, address).result


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ("v=spf1 ip4:203.0.113.7 -all", "pass"),
        ("v=spf1 ip4:203.0.113.0/24 -all", "pass"),
        ("v=spf1 ip4:203.0.113.8 -all", "fail"),
        ("v=spf1 ip4:203.0.113.8 ~all", "softfail"),
        ("v=spf1 ip4:203.0.113.8 ?all", "neutral"),
        ("v=spf1 ip4:203.0.113.8", "neutral"),
        ("v=spf1 -ip4:203.0.113.0/24 +all", "fail"),
        ("V=SPF1 IP4:203.0.113.7 -ALL", "pass"),
        ("v=spf1 ip6:2001:db8::/32 -all", "fail"),
        ("v=spf1 include:spf.protection.outlook.com -all", "fail"),
        ("v=spf1 unknown=thing ip4:203.0.113.7 -all", "pass"),
        ("v=spf1 exp=why.contoso.com ip4:203.0.113.7 -all", "pass"),
        ("v=spf1", "neutral"),
        ("v=spf10 ip4:203.0.113.7 -all", "none"),
        ("v=spf1 ipv4:203.0.113.7 -all", "permerror"),
        ("v=spf1 ip4:203.0.113.7/33 -all", "permerror"),
        ("v=spf1 ip4:203.0.113.7/255.255.255.0 -all", "permerror"),
        ("v=spf1 ip4:203.0.113 -all", "permerror"),
        ("v=spf1 ip4:203.0.113.7 all: -all", "permerror"),  # though a term before it matches
        ("v=spf1 include: -all", "permerror"),
        ("v=spf1 redirect=a.com redirect=b.com", "permerror"),
        ("v=spf1 a/33 -all", "permerror"),
        ("v=spf1 include:nothing.contoso.com -all", "permerror"),
        ("v=spf1 redirect=nothing.contoso.com", "permerror"),
        ("v=spf1 redirect=nothing.contoso.com ip4:203.0.113.7", "pass"),
        ("v=spf1 redirect=nothing.contoso.com -all", "fail"),
    ],
)
def test_the_result_of_one_record(record, expected):
    assert result(record) == expected


def test_a_and_mx_by_their_addresses_and_prefix():
    hosts = {"mail_contoso_com": {"A": ["203.0.113.9"], "AAAA": ["2001:db8::9"]}}
    assert result("v=spf1 a:mail.contoso.com -all", "203.0.113.9", **hosts) == "pass"
    assert result("v=spf1 a:mail.contoso.com -all", **hosts) == "fail"
    assert result("v=spf1 a:mail.contoso.com/24 -all", **hosts) == "pass"
    assert result("v=spf1 a:mail.contoso.com//64 -all", "2001:db8::1234", **hosts) == "pass"
    assert result("v=spf1 a:mail.contoso.com/24 -all", "2001:db8::1234", **hosts) == "fail"
    zones = {"contoso.com": {**txt("v=spf1 mx -all"), "MX": ["10 mail.contoso.com."]}}
    zones["mail.contoso.com"] = hosts["mail_contoso_com"]
    assert evaluate(zones, "203.0.113.9").result == "pass"
    assert evaluate(zones).result == "fail"


def test_include_matches_on_pass_only_and_redirect_takes_all():
    assert result("v=spf1 include:p.com ?all", p_com=txt("v=spf1 ip4:203.0.113.7 -all")) == "pass"
    assert result("v=spf1 include:p.com ?all", p_com=txt("v=spf1 -all")) == "neutral"
    assert result("v=spf1 -include:p.com ?all", p_com=txt("v=spf1 +all")) == "fail"
    assert result("v=spf1 include:p.com ?all", p_com=txt("v=spf1 bad:")) == "permerror"
    assert result("v=spf1 redirect=p.com", p_com=txt("v=spf1 ~all")) == "softfail"
    assert result("v=spf1 include:p.com -all", p_com=SERVFAIL) == "temperror"


def test_exists_ptr_and_macros():
    zones = {"7.113.0.203.allowed.contoso.com": {"A": ["127.0.0.2"]}}
    assert evaluate({"contoso.com": txt("v=spf1 exists:%{ir}.allowed.%{d} -all"), **zones}).result == "pass"
    assert evaluate({"contoso.com": txt("v=spf1 exists:%{i}.allowed.%{d} -all"), **zones}).result == "fail"
    reverse = {
        "contoso.com": txt("v=spf1 ptr -all"),
        "7.113.0.203.in-addr.arpa": {"PTR": ["site.contoso.com.", "site.fabrikam.com."]},
        "site.contoso.com": {"A": [SITE]},
    }
    assert evaluate(reverse).result == "pass"
    assert evaluate({**reverse, "site.contoso.com": {"A": ["203.0.113.8"]}}).result == "fail"


def test_the_macros_of_rfc_7208_section_7_4():
    from ipaddress import ip_address

    def of(spec, address="192.0.2.3"):
        return expanded(spec, "email.example.com", "strong-bad@email.example.com", ip_address(address))

    assert of("%{d4}") == of("%{d}") == "email.example.com"
    assert of("%{d2}") == "example.com"
    assert of("%{dr}") == "com.example.email"
    assert of("%{l-}") == "strong.bad"
    assert of("%{lr-}.lp._spf.%{d2}") == "bad.strong.lp._spf.example.com"
    assert of("%{ir}.%{v}._spf.%{d2}") == "3.2.0.192.in-addr._spf.example.com"
    assert of("%{ir}.%{v}._spf.%{d2}", "2001:db8::cb01") == (
        "1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6._spf.example.com"
    )
    with pytest.raises(BadRecord):
        of("%{z}.com")
    with pytest.raises(BadRecord):
        of("100%.com")


def test_ten_lookups_and_no_more():
    def chain(length):
        zones = {f"s{n}.com": txt(f"v=spf1 include:s{n + 1}.com ?all") for n in range(1, length)}
        zones["contoso.com"] = txt("v=spf1 include:s1.com -all")
        zones[f"s{length}.com"] = txt("v=spf1 ip4:203.0.113.7 -all")
        return evaluate(zones)

    ten, eleven = chain(10), chain(11)
    assert ten.result == "pass"
    assert ten.lookups == 10
    assert eleven.result == "permerror"
    assert "10 DNS look-ups" in eleven.why


def test_a_record_that_includes_itself_ends():
    assert result("v=spf1 include:contoso.com -all") == "permerror"


def test_two_look_ups_may_find_nothing_and_no_more():
    assert result("v=spf1 a:x.com a:y.com -all") == "fail"
    assert result("v=spf1 a:x.com a:y.com a:z.com -all") == "permerror"


def test_several_records_and_none_and_no_answer():
    assert evaluate({"contoso.com": txt("v=spf1 -all", "v=spf1 +all")}).result == "permerror"
    assert evaluate({"contoso.com": txt("v=spf1 ip4:203.0.113.7 -all", "MS=ms123")}).result == "pass"
    assert evaluate({"contoso.com": txt("MS=ms123")}).result == "none"
    assert evaluate({}).result == "none"
    assert evaluate({"contoso.com": SERVFAIL}).result == "temperror"


def test_a_record_in_several_strings_and_one_too_long_for_udp():
    assert evaluate({"contoso.com": {"TXT": ['"v=spf1 ip4:203.0." "113.7 -all"']}}).result == "pass"
    long = [f'"filler {"x" * 200} {n}"' for n in range(5)]
    with DnsServer({"contoso.com": {"TXT": [*long, '"v=spf1 ip4:203.0.113.7 -all"']}}) as server:
        assert spf.evaluate(SITE, SENDER, Names(server.address, 5)).result == "pass"
        assert ("contoso.com", "TXT", "tcp") in server.asked


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ([], "v=spf1 ip4:203.0.113.7 MICROSOFT ~all"),
        (["v=spf1 MICROSOFT -all"], "v=spf1 ip4:203.0.113.7 MICROSOFT -all"),
        (["v=spf1 ip4:198.51.100.1 mx ~all"], "v=spf1 ip4:203.0.113.7 ip4:198.51.100.1 mx MICROSOFT ~all"),
        (
            ["v=spf1 -ip4:203.0.113.0/24 MICROSOFT ?all"],
            "v=spf1 ip4:203.0.113.7 -ip4:203.0.113.0/24 MICROSOFT ?all",
        ),
        (["v=spf1 redirect=_spf.contoso.com"], "v=spf1 ip4:203.0.113.7 redirect=_spf.contoso.com"),
        (["v=spf1 ipv4:203.0.113.7 a -all"], "v=spf1 ip4:203.0.113.7 a MICROSOFT -all"),
        (["v=spf1 redirect=_spf.contoso.com -all"], "v=spf1 ip4:203.0.113.7 MICROSOFT -all"),
        (
            ["v=spf1 redirect=_spf.contoso.com", "v=spf1 ip4:198.51.100.1 -all"],
            "v=spf1 ip4:203.0.113.7 ip4:198.51.100.1 include:_spf.contoso.com MICROSOFT -all",
        ),
        (["v=spf1 a -all", "v=spf1 mx ~all"], "v=spf1 ip4:203.0.113.7 a mx MICROSOFT ~all"),
        (["v=spf1 a exp=why.com"], "v=spf1 ip4:203.0.113.7 a exp=why.com MICROSOFT ~all"),
    ],
)
def test_the_record_to_publish_passes_and_keeps_what_is_there(records, expected):
    include = "include:spf.protection.outlook.com"
    made, _ = to_publish([record.replace("MICROSOFT", include) for record in records], SITE)
    assert made == expected.replace("MICROSOFT", include)
    Record.parsed(made)
    assert evaluate({"contoso.com": txt(made)}).result == "pass"


def test_the_record_for_an_ipv6_address():
    made, _ = to_publish([], "2001:db8::7")
    assert made == "v=spf1 ip6:2001:db8::7 include:spf.protection.outlook.com ~all"
    assert evaluate({"contoso.com": txt(made)}, "2001:db8::7").result == "pass"
