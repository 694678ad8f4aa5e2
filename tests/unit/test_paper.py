"""Sheets of paper: what stands on them can be read back, wraps, and is the same each time."""

import io
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from pypdf import PdfReader

from praxisd.kernel.paper import Box, Column, Paper

PRINTED = datetime(2026, 11, 27, 18, 40, tzinfo=ZoneInfo("Europe/Berlin"))


def _sheet(lang: str = "de", wide: bool = False) -> Paper:
    return Paper("Portliste", lang, organization="Praxis Müller", printed=PRINTED, wide=wide)


def _pages(sheet: Paper) -> list[str]:
    return [page.extract_text() for page in PdfReader(io.BytesIO(sheet.pdf())).pages]


def _words(pages: list[str]) -> str:
    return " ".join(" ".join(pages).split())


def test_letters_of_all_latin_languages_come_back_as_they_were() -> None:
    said = "äöüßÄÖÜẞ Żółć Łódź Őszi Český Ğüneş İstanbul Șțefan Việt „Zitat“ – … 16 ≤ 20 → gut ½ µ €"
    assert said in _words(_pages(_sheet().text(said)))


def test_an_accent_on_its_own_is_joined_to_its_letter() -> None:
    assert "Zoé" in _words(_pages(_sheet().text("Zoe\u0301")))


def test_nothing_is_markup_and_an_unknown_sign_stays_visible() -> None:
    said = _words(_pages(_sheet().text('<b>fett</b> & <img src="x"/> 漢\x07字')))
    assert '<b>fett</b> & <img src="x"/> □□' in said


def test_pages_are_numbered_and_say_when_and_whose_they_are() -> None:
    pages = _pages(_sheet().table(["a", "b"], [[f"Zeile {n}", "x"] for n in range(150)]))
    assert len(pages) > 1
    for number, text in enumerate(pages, 1):
        assert f"Seite {number} von {len(pages)}" in text
        assert (
            "Gedruckt am 27.11.2026 um 18:40 Uhr" in text and "Praxis Müller" in text and "Portliste" in text
        )
    assert all(f"Zeile {n}" in _words(pages) for n in (0, 75, 149))


def test_english_words_around_an_english_sheet() -> None:
    (page,) = _pages(_sheet("en").table(["a"], []))
    assert "Page 1 of 1" in page and "Printed on 2026-11-27 at 18:40" in page and "No entries" in page


@pytest.mark.parametrize("cell", ["https://" + "sehrlang" * 60, "Wort " * 3_000])
def test_a_long_cell_wraps_over_lines_and_pages(cell: str) -> None:
    pages = _pages(_sheet().table([Column("Ziel", 2), "Port"], [[cell, "443"], ["danach", "80"]]))
    together = "".join("".join(pages).split())
    assert together.count("sehrlang") + together.count("Wort") == cell.count("sehrlang") + cell.count("Wort")
    assert "danach" in together


def test_a_row_stays_on_one_page_where_a_page_can_hold_it() -> None:
    tall = "\n".join(f"Zeile {n}" for n in range(20))
    pages = _pages(_sheet().table(["a", "b"], [[tall, f"Ende {n}"] for n in range(9)]))
    assert len(pages) > 2
    for page in pages:
        assert page.count("Zeile 0\n") == page.count("Zeile 19") == page.count("Ende ")


def test_a_heading_leaves_no_page_empty_and_does_not_take_its_whole_table_along() -> None:
    sheet = _sheet(wide=True).facts([("Produkt", "x.isynet")]).text("Einleitung").heading("Ordner")
    first, *rest = _pages(sheet.table(["a", "b"], [[f"Zeile {n}.", "x"] for n in range(60)]))
    assert "Ordner" in first and "Zeile 0." in first and "Zeile 15." in first
    assert rest and "Zeile 59." in rest[-1]


@pytest.mark.parametrize("source", ["", "Quelle mit Stand"])
def test_a_heading_is_never_left_alone_at_the_foot_of_a_page(source: str) -> None:
    found = []
    for lines in (18, 22, 24, 25, 26, 27, 28, 30):
        sheet = _sheet(wide=True).text("\n".join("Wort" for _ in range(lines))).heading("Ordner")
        if source:
            sheet.text(source, small=True)
        pages = _pages(sheet.table(["Kopf", "b"], [[f"Zeile {n}.", "x"] for n in range(30)]))
        (at,) = [n for n, page in enumerate(pages) if "Ordner" in page]
        assert source in pages[at] and "Kopf" in pages[at] and "Zeile 0." in pages[at], lines
        found.append(at)
    # Where there is room for the heading and some rows, they stand there, be the table as long as it may.
    assert found[0] == 0 and found[-1] == 1 and found == sorted(found)


def test_a_heading_may_stand_above_anything() -> None:
    sheet = _sheet().heading("A").heading("B").facts([("Produkt", "x")]).heading("C").facts([])
    sheet.heading("D").checkboxes([Box("Firewall")]).heading("E").checkboxes([]).heading("F").table([], [])
    sheet.heading("G").text("Frage", small=True).signatures(["Datum"]).heading("H").text(
        "w " * 5_000
    ).heading("I")
    said = _words(_pages(sheet)).split()
    assert [one for one in said if one in "ABCDEFGHI"] == list("ABCDEFGHI")


def test_facts_boxes_and_lines_to_sign() -> None:
    sheet = _sheet().facts([("Produkt", "x.isynet"), ("Stand", "04.08.2023")]).heading("Liste")
    sheet.checkboxes([Box("Firewall", done=True, note="jährlich"), Box("Sperre")]).signatures(
        ["Datum", "Name"]
    )
    said = _words(_pages(sheet))
    for one in ("Produkt", "x.isynet", "Liste", "Firewall", "jährlich", "Sperre", "Datum", "Name"):
        assert one in said


def test_the_same_sheet_is_the_same_bytes_and_carries_its_fonts() -> None:
    def make() -> bytes:
        return _sheet(wide=True).text("Größe").table(["a", "b"], [["1", "2"]] * 80).pdf()

    first = make()
    assert first == make() != _sheet().text("Größe").pdf()
    reader = PdfReader(io.BytesIO(first))
    page = reader.pages[0]
    assert (round(page.mediabox.width), round(page.mediabox.height)) == (842, 595)
    assert reader.metadata is not None and reader.metadata.title == "Portliste"
    assert reader.metadata.creation_date == PRINTED
    fonts = [one.get_object() for one in page["/Resources"]["/Font"].values()]
    embedded = [one for one in fonts if "DejaVu" in str(one["/BaseFont"])]
    assert embedded and all("/FontFile2" in one["/FontDescriptor"].get_object() for one in embedded)


def test_a_row_with_too_few_cells_is_a_mistake_at_once() -> None:
    with pytest.raises(ValueError, match="cells"):
        _sheet().table(["a", "b"], [["1"]])


def test_the_answer_of_a_route() -> None:
    answer = _sheet().answer("ports.pdf")
    assert answer.data.startswith(b"%PDF-") and answer.media_type == "application/pdf"
    assert answer.headers["Content-Disposition"] == 'inline; filename="ports.pdf"'
