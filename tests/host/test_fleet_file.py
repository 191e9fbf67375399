"""fleet.csv: rows, columns, and what a row says in place of the mote.toml."""

import tomllib

import pytest

from mailmote_host.board import fleet_file
from mailmote_host.errors import UsageError

MOTE = """
[device]
name = "mote"
[mail]
to = ["ops@contoso.com"]
[[sensor]]
name = "Air"
pin = 34
[[alarm]]
name = "Too warm"
above = -15.0
"""


@pytest.fixture
def read(tmp_path):
    def made(text, settings=None):
        path = tmp_path / "fleet.csv"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return fleet_file.read(path, settings)

    return made


def applied(changes):
    document = tomllib.loads(MOTE)
    fleet_file.apply(document, changes)
    return document


def test_a_row_names_its_port_its_settings_and_what_is_its_own(read, tmp_path):
    rows = read(
        "port,name,settings,alarm[0].above\n/dev/ttyUSB0,freezer-1,,-18\n\nF412FA,freezer-2,other.toml,\n"
    )
    assert [(row.number, row.port, row.name, row.settings.name) for row in rows] == [
        (2, "/dev/ttyUSB0", "freezer-1", "mote.toml"),
        (4, "F412FA", "freezer-2", "other.toml"),
    ]
    assert rows[0].changes == {("device", "name"): "freezer-1", ("alarm", 0, "above"): "-18"}
    assert rows[1].changes == {("device", "name"): "freezer-2"}
    assert {row.settings.parent for row in rows} == {tmp_path}


def test_the_settings_given_are_those_of_rows_that_name_none(read, tmp_path):
    assert read("port\nA\n", tmp_path / "x.toml")[0].settings == tmp_path / "x.toml"


def test_what_a_spreadsheet_saves_is_read(read):
    rows = read(b'\xef\xbb\xbfport,name,site\r\nA,"freezer, big","Lab ""2"""\r\n')
    assert rows[0].changes == {("device", "name"): "freezer, big", ("device", "site"): 'Lab "2"'}


@pytest.mark.parametrize(
    ("key", "cell", "value"),
    [
        (("device", "name"), "17", "17"),
        (("device", "site"), "Lab 2", "Lab 2"),
        (("wifi", "ssid"), '"17"', "17"),
        (("wifi", "ssid"), "17", "17"),
        (("device", "site"), "2.10", "2.10"),
        (("alarm", 0, "for"), "1", "1"),
        (("sensor", 0, "pin"), "35", 35),
        (("alarm", 0, "above"), "-18.5", -18.5),
        (("mail", "to"), '["a@contoso.com", "b@contoso.com"]', ["a@contoso.com", "b@contoso.com"]),
        (("mail", "to", 0), "a@contoso.com", "a@contoso.com"),
    ],
)
def test_a_cell_takes_the_place_of_a_value(key, cell, value):
    found = applied({key: cell})
    for part in key:
        found = found[part]
    assert found == value


@pytest.mark.parametrize(
    "key",
    [("alarm", 1, "above"), ("device", 0), ("device", "name", 0), ("mail", "to", "x"), ("sensor", "pin", 3)],
)
def test_a_column_without_a_place_is_told(key):
    with pytest.raises(UsageError, match="has no place in the mote.toml"):
        applied({key: "1"})


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "is empty"),
        ("name\nx\n", ":1: has no column port. Name the columns"),
        ("port;name\nA;x\n", "parted by semicolons"),
        ("port,port\nA,B\n", "'port' twice"),
        ("port,Wi-Fi\nA,x\n", "'Wi-Fi' is no column"),
        ("port,name\n,x\n", ":2: has no port"),
        ("port,name\nA,x,y\n", ":2: has 3 cells, and there are 2 columns"),
        ("port,name\nA,x\nB,x\n", ":3: has the name of line 2"),
        ("port\n", "has no rows"),
        ("port,name\nA," + "x" * 200_000 + "\n", ":2: field larger than field limit"),
        ('port,name\nA,"Lab 1\nB,Lab 2\n', ":2: unexpected end of data. Close each quote in its line"),
        ('port,name\nA,"Lab 1\nB,Lab 2"\nC,x\n', ":2: a cell goes over several lines. Close each quote"),
        ('port,name\nA,"Lab" 1\n', ":2: ',' expected after"),
        ("\n\nname\nx\n", ":3: has no column port"),
        ("\n,,\nport,name\nA,x\n\nB,x\n", ":6: has the name of line 4"),
        ("port\n" + "".join(f"P{number}\n" for number in range(1001)), "has 1001 rows"),
        (b"port\n\xff\n", "is not UTF-8"),
        ("port\n" + "x" * (1 << 20), "larger than 1 MiB"),
    ],
)
def test_a_faulty_file_is_told_with_the_fix_before_anything_is_done(read, text, told):
    with pytest.raises(UsageError) as caught:
        read(text)
    assert told in str(caught.value)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_the_first_lines_may_be_empty(read, end):
    rows = read(end.join(["", ",,", "port,name", "A,x", ""]))
    assert [(row.number, row.port, row.name) for row in rows] == [(4, "A", "x")]


def test_empty_columns_that_a_spreadsheet_leaves_behind_the_last_are_none(read):
    assert read("port,name,,\nA,x,,\n")[0].changes == {("device", "name"): "x"}


def test_a_cell_with_more_brackets_than_can_be_nested_is_a_text():
    assert applied({("device", "site"): "[" * 100_000})["device"]["site"] == "[" * 100_000


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        fleet_file.read(tmp_path / "fleet.csv", None)
