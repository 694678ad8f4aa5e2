"""The top folder of a practice software, however a person gave it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from praxisd.services.diagnosis.software_rules import top_folder


@pytest.mark.parametrize(
    ("given_", "data_path", "wanted"),
    [
        ("C:\\DConcept", "DeData", "C:\\DConcept"),
        ("C:\\DConcept\\", "DeData", "C:\\DConcept"),
        ("C:\\DCONCEPT\\DEDATA", "DeData", "C:\\DCONCEPT"),
        ("C:/DConcept/DeData/", "DeData", "C:/DConcept"),
        ("C:\\doc2\\daten\\data", "daten\\data", "C:\\doc2"),
        ("C:\\doc2\\data", "daten\\data", "C:\\doc2\\data"),
        ("\\\\server\\winacs\\", "", "\\\\server\\winacs"),
        ("C:\\MyDeData", "DeData", "C:\\MyDeData"),
        ("D:\\DeData", "DeData", "D:\\"),
        ("DeData", "DeData", "DeData"),
        ("/srv/DConcept/DeData", "DeData", "/srv/DConcept"),
        ("C:\\", "", "C:\\"),
        ("/", "", "/"),
        (" ", "DeData", ""),
        ("", "", ""),
    ],
)
def test_the_top_folder(given_: str, data_path: str, wanted: str) -> None:
    assert top_folder(given_, data_path) == wanted


@given(st.text("Ca:\\/ D", max_size=12), st.sampled_from(["", "a", "a\\D"]))
def test_what_it_found_it_keeps(folder: str, data_path: str) -> None:
    once = top_folder(folder, data_path)
    assert once == top_folder(once, "")
    assert folder.strip().startswith(once)
