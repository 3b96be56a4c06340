"""The tour shows every page of the app, with the pictures that the script makes."""

from __future__ import annotations

import re
from pathlib import Path

from focus_ui.session.navigation import PAGES
from scripts.screenshots import IMAGES
from scripts.screenshots import PAGES as PICTURES

TOUR = Path(__file__).resolve().parents[2] / "docs" / "tour.md"


def test_the_script_makes_a_picture_of_every_page() -> None:
    assert sorted(path or "start" for path in PICTURES.values()) == sorted(page.url for page in PAGES)


def test_every_page_has_its_section_and_its_pictures_in_light_and_dark() -> None:
    sections = re.split(r"^## ", TOUR.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    by_title = {section.partition("\n")[0]: section for section in sections}
    for page in PAGES:
        named = re.findall(r'"images/([^"]+)"', by_title[page.title])
        assert [name.rpartition("-")[2] for name in named] == ["dark.png", "light.png"]
        assert all((IMAGES / name).is_file() for name in named)
        assert len({name.rpartition("-")[0] for name in named}) == 1


def test_every_picture_has_a_text_for_those_who_do_not_see_it() -> None:
    images = re.findall(r"<img [^>]*>", TOUR.read_text(encoding="utf-8"))
    assert len(images) == len(PAGES)
    assert all(re.search(r'alt="[^"]{30,}"', image) for image in images)
