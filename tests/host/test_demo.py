"""`mailmote demo`, whole, and how it judges what came."""

import base64
import json
from types import SimpleNamespace

import pytest
from canary import Search

from mailmote_host import cli
from mailmote_host.demo.judge import EXPECTED, datetime, judge
from mailmote_host.demo.ways import WAYS

WAY = WAYS[1]  # with a password


def test_sixteen_mails_and_the_round_trips(capsys, tmp_path, record_property):
    code = cli.main(["demo", "--json", "--keep", str(tmp_path)])
    out, err = capsys.readouterr()
    assert code == 0, err
    assert "16 of 16 mails." in err
    ways = {way["name"]: way for way in json.loads(out)}
    assert set(ways) == {"oauth", "password", "direct-send", "smtp-relay"}
    assert {way["option"] for way in ways.values()} == {"client-submission", "direct-send", "smtp-relay"}
    for name, way in ways.items():
        submission = way["option"] == "client-submission"
        assert way["problems"] == []
        assert [mail["date"] for mail in way["mails"]] == [
            "2013-12-16T15:40:00+00:00",
            "2013-12-16T18:35:00+00:00",
            "2014-02-08T00:30:00+00:00",
            "2014-02-09T12:00:00+00:00",
        ]
        first = {"oauth": 6, "password": 7}.get(name, 3)
        assert way["mails"][0]["round_trips"] == first
        assert {mail["round_trips"] for mail in way["mails"]} <= {first, 1}
        assert {mail["tls"] is not None for mail in way["mails"]} == {submission}
        assert way["heap_bytes"] > 0
        assert len(list((tmp_path / name).glob("*.eml"))) == 4
    search = Search()
    for path in tmp_path.glob("*/nvs.json"):
        for name, blob in json.loads(path.read_bytes())["mailmote"].items():
            search.add(name, base64.b64decode(blob))
    search.look("output", out + err)
    search.look_in_folder(tmp_path, but=["nvs.json"])
    record_property("canary", [search.places, search.octets, len(search.finds)])
    search.assert_clean(at_least=60)


def mail(date, subject, number=0, to=WAY.to, tls="TLSv1.3", auth=("LOGIN", "mote")):
    head = f"Date: {date:%a, %d %b %Y %H:%M:%S} +0000\r\nSubject: {subject}\r\n"
    text = f"{head}Message-ID: <{number}@x.test>\r\n\r\nhi\r\n"
    return SimpleNamespace(data=text.encode(), recipients=[to], tls=tls, auth=auth)


def good():
    return [mail(date, words, number) for number, (date, words) in enumerate(EXPECTED.items())]


def test_the_four_expected_mails_are_well():
    assert judge(WAY, good()) == []


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (lambda mails: mails.pop(), "0 mails of 2014-02-09 12:00"),
        (lambda mails: mails.append(mails[0]), "2 mails of 2013-12-16 15:40"),
        (lambda mails: mails.append(mails[0]), "the same Message-ID"),
        (lambda mails: mails[0].recipients.append("x@y.test"), "went to"),
        (lambda mails: mails.__setitem__(0, mail(next(iter(EXPECTED)), "Other", 9)), "unexpected mail"),
        (
            lambda mails: mails.append(mail(datetime(2014, 1, 1), "Extra", 9)),
            "unexpected mail: 2014-01-01",
        ),
    ],
    ids=["missing", "twice", "same id", "recipient", "subject", "extra"],
)
def test_anything_else_is_told(spoil, complaint):
    mails = good()
    spoil(mails)
    assert any(complaint in problem for problem in judge(WAY, mails))


def test_a_mail_without_tls_or_sign_in_is_told():
    date, words = next(iter(EXPECTED.items()))
    for bad in (
        mail(date, words, tls=None),
        mail(date, words, auth=None),
        mail(date, words, auth=("XOAUTH2", "mote")),
    ):
        assert any("came with TLS" in problem for problem in judge(WAY, [bad, *good()[1:]]))


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--heapsize", "abc"), 2, "is no size"),
        (("--keep", "/dev/null/folder"), 1, "Check the path"),
    ],
)
def test_bad_input_is_one_line_with_the_fix(capsys, arguments, code, words):
    assert cli.main(["demo", *arguments]) == code
    err = capsys.readouterr().err
    assert words in err
    assert "Traceback" not in err


def test_a_missing_recording_is_one_line_with_the_fix(capsys, monkeypatch):
    monkeypatch.setattr("mailmote_host.demo.recording._FILE", "gone.csv")
    code = cli.main(["demo"])
    err = capsys.readouterr().err
    assert code == 1
    assert "the recording is missing" in err
    assert "Traceback" not in err


def test_no_micropython_is_one_line_with_the_fix(capsys, monkeypatch):
    monkeypatch.setenv("MICROPYTHON", "/nowhere/micropython")
    code = cli.main(["demo"])
    printed = capsys.readouterr()
    assert code == 1
    assert "MICROPYTHON=/nowhere/micropython cannot be used" in printed.err
    assert (printed.out, printed.err.count("\n")) == ("", 1), "one line, and no progress of what never began"


def test_a_board_that_fails_is_told_with_its_console(capsys):
    code = cli.main(["demo", "--heapsize", "32K"])
    printed = capsys.readouterr()
    assert code == 1
    assert "memory" in (printed.out + printed.err).lower()
    assert "mailmote_host" not in printed.out + printed.err, "a traceback of the host tools"
