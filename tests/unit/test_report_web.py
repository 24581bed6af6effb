"""The pages of `hops report --html`: numbers, signs, and nothing from outside."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from coils import DAY, NEWEST, coil, fleet

from hops.graphiteweb import Event
from hops.judge.rules import Limit
from hops.quantities import GHOST, QUANTITIES, WATCHED
from hops.report.verdict import judge
from hops.report.web import write

EVIL = '"><script>alert(1)</script>'
NOTE = Event(NEWEST - 200 * DAY, f"Stecker gereinigt: Müller {EVIL}", frozenset())

# A sound coil's values go from 0.99 to 1.01 of what is usual, and its newest scan is at 1.01. What
# is usual of the SNR is 300, and of the ghost level 2.2. A scan to come after 305 days deviates by
# 1.012 of the 3 that the SNR did: 3.0249/3 of Student's distribution, and the root of 306/304.
DEVIATION = 3 * (3.0249 / 3) * (306 / 304) ** 0.5
COILS = {
    "sound": coil(name="sound", limits=[(GHOST, Limit(2, 1))], slices=2),
    "failing": coil(name="failing", changes=[("SNR", range(9, 14), 0.6, 40)]),
    "evil": coil(name="evil", location=f"Köln/{EVIL}", notes=[NOTE], scans=60, slices=2),
    "once": coil(name="once", scans=1),
    "twice": coil(name="twice", scans=2, slices=1),
    "many": coil(name="many", scans=30, slices=64),
    "slow": coil(name="slow", changes=[("Ghost level", [1, 2], 1.02, 40)], slices=2),
    "old": coil(name="old", scans=30, slices=1, until=NEWEST + 149 * DAY),
    "none": coil(name="none", scans=0),
}


class Page(HTMLParser):
    """Its tables, its tags with their attributes, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tables: list[list[list[str]]] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.classes: dict[str, str] = {}
        self.text = ""
        self._cell = ""
        self._is_in_table = False
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        self._cell = dict(attributes).get("class") or ""
        if tag == "table":
            self._is_in_table = True
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")

    def handle_endtag(self, tag):
        self._is_in_table = tag != "table" and self._is_in_table

    def handle_data(self, data):
        self.text += data
        if self._is_in_table and self.tables[-1] and self.tables[-1][-1]:
            self.tables[-1][-1][-1] += data
            if self._cell:
                self.classes[data.strip()] = self._cell

    def table(self, heading: str) -> list[list[str]]:
        """The rows of the table whose heading begins so."""
        [rows] = [rows for rows in self.tables if rows[0][0] == heading]
        return [[cell.strip() for cell in row] for row in rows]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("web") / "pages"
    write(fleet(*map(judge, COILS.values()), unknown=["Site/New"]), folder)
    return folder


@pytest.fixture(scope="module")
def pages(folder):
    return {path.name: Page(path.read_text(encoding="utf-8")) for path in folder.iterdir()}


@pytest.fixture(scope="module")
def index(pages):
    return pages["index.html"]


def page_of(pages, name):
    [found] = [page for path, page in pages.items() if path.endswith(f".{name}.html")]
    return found


def row_of(index, name):
    heading, *rows = index.table("State")
    [row] = [row for row in rows if row[2] == name]
    return dict(zip([*heading[:4], "age", "SNR", "SNR sd", "ghost", "ghost sd"], row))


def test_the_table_has_the_numbers_of_the_newest_scans(index):
    row = row_of(index, "failing")
    # By hand: 303 in eleven slices of sixteen, and 0.6 of it in five.
    assert float(row["SNR"]) == pytest.approx(303 * (11 + 0.6 * 5) / 16, abs=0.05)
    assert float(row["SNR sd"]) == pytest.approx((303 * 14 / 16 - 300) / DEVIATION, abs=0.06)
    assert (row["ghost"], row["ghost sd"], row["Last scan"]) == ("2.222", "+1.0", "2026-11-20")


def test_the_worst_are_first_and_each_has_words_and_a_sign(index):
    states = [(row[2], row[0]) for row in index.table("State")[1:]]
    assert states[:4] == [
        ("sound", "✗ out of control"),  # by the site's own limit
        ("failing", "✗ out of control"),
        ("slow", "~ slow change"),
        ("none", "? no scan"),
    ]
    assert ("evil", "✓ in control") in states
    assert "9 coils, 2 out of control, 1 with a slow change, 2 without a scan for 4 d" in index.text
    assert "Graphite has nothing yet of Site/New." in index.text


def test_what_is_beyond_a_limit_is_marked_without_colour(index):
    assert index.classes[row_of(index, "failing")["SNR"]] == "low"
    assert index.classes["149"] == "over"
    style = index.text
    assert all(f"td.{mark}::before" in style for mark in ("low", "high", "over"))


def test_every_coil_has_a_page_that_the_table_leads_to(index, pages):
    links = {tag["href"] for name, tag in index.tags if name == "a"}
    assert links == {name for name in pages if name != "index.html"}
    assert len(links) == len(COILS)


def test_nothing_is_asked_of_anybody(pages):
    for page in pages.values():
        assert not {"script", "link", "iframe", "img"} & {name for name, _ in page.tags}
        policy = next(tag["content"] for name, tag in page.tags if "http-equiv" in tag)
        assert policy.startswith("default-src 'none'")
        for name, tag in page.tags:
            for attribute in ("src", "href", "xlink:href"):
                address = tag.get(attribute) or ""
                assert re.match(r"[#]|data:|[^:/]*$", address), (name, address)
        assert not re.search(r"url\((?!#|\"#)", page.text)


def test_names_and_notes_are_text(pages, index):
    page = page_of(pages, "evil")
    assert f"Köln/{EVIL}" in index.text
    assert ["1", "2026-05-04", NOTE.what] in page.table("Number")


def test_a_page_has_the_limits_and_every_slice_to_copy(pages):
    page = page_of(pages, "failing")
    rows = {row[0]: row for row in page.table("Mean of the slices")}
    assert rows["SNR"][1:3] == ["265.1", "300.0"]
    limits = [float(limit) for limit in rows["SNR"][3:5]]
    assert limits == pytest.approx([300 - 3 * DEVIATION, 300 + 3 * DEVIATION], abs=0.1)
    assert rows["SNR"][9] == "out: mean, average, slices 9-13"
    assert rows["Drift, %"][9] == "within limits"
    slices = page.table("Slice")
    assert [row[0] for row in slices[1:]] == [str(number) for number in range(1, 17)]
    assert slices[9][1] == "181.8"  # 0.6 * 303
    assert float(slices[9][2]) == pytest.approx((181.8 - 300) / DEVIATION, abs=0.2)
    assert page.table("Time")[1][:2] == ["2026-11-20 12:00", "265.1"]
    assert "below its lower limit 290.9 since 2026-10-12" in page.text


def test_a_slow_change_has_words_and_an_arrow(index, pages):
    page = page_of(pages, "slow")
    rows = {row[0]: row for row in page.table("Mean of the slices")}
    assert rows["Ghost level, %"][9] == "slow: average"
    assert "Ghost level of coil slow rises slowly" in page.text
    assert page.classes[rows["Ghost level, %"][7]] == "rises"
    assert index.classes[row_of(index, "slow")["ghost sd"]] == "rises"


@pytest.mark.parametrize("name", ["sound", "none"])
def test_pages_say_what_is_measured_and_what_to_do(index, pages, name):
    for quantity in QUANTITIES:
        for text in (quantity.definition, quantity.causes, quantity.remedy, quantity.source):
            assert text in page_of(pages, name).text
            assert quantity not in WATCHED or text in index.text


def test_a_site_limit_is_shown_and_told(pages):
    rows = {row[0]: row for row in page_of(pages, "sound").table("Mean of the slices")}
    assert rows["Ghost level, %"][5] == "2.000"
    assert "beyond the site's limit 2.000" in page_of(pages, "sound").text


@pytest.mark.parametrize(("name", "slices", "scans"), [("once", 16, 1), ("many", 64, 30)])
def test_few_scans_and_many_slices_have_their_rows(pages, name, slices, scans):
    page = page_of(pages, name)
    assert len(page.table("Slice")) == 1 + slices
    assert len(page.table("Time")) == 1 + scans


def test_one_slice_has_no_table_of_slices_and_no_scan_no_charts(pages):
    assert all(rows[0][0] != "Slice" for rows in page_of(pages, "twice").tables)
    assert "svg" not in {name for name, _ in page_of(pages, "none").tags}


@pytest.mark.parametrize("name", ["once", "twice", "sound"])
def test_no_day_is_written_twice_below_a_chart(folder, name):
    [text] = [path.read_text() for path in folder.iterdir() if path.name.endswith(f".{name}.html")]
    for chart in re.findall(r"<svg role.*?</svg>", text, re.DOTALL):
        labels = re.findall(r">(\d{4}-\d\d(?:-\d\d)?)</text>", chart)
        assert 2 <= len(labels) == len(set(labels))


def test_a_newest_scan_that_is_old_is_told_first(pages):
    assert "no scan for 149 days" in page_of(pages, "old").text


def test_written_again_it_is_the_same_and_what_else_is_there_stays(folder, tmp_path):
    (tmp_path / "logo.png").write_bytes(b"theirs")
    for _ in range(2):
        write(fleet(judge(COILS["once"])), tmp_path)
    names = {"logo.png", "index.html", "Example.Bay1.once.html"}
    assert {path.name for path in tmp_path.iterdir()} == names
    page = "Example.Bay1.once.html"
    assert (tmp_path / page).read_bytes() == (folder / page).read_bytes()
