"""Take a picture of every page of the app on the demo run, light and dark: ``python scripts/screenshots.py``.

Writes ``docs/images/PAGE-SCHEME.png``. Needs a Chromium and the packages of requirements-dev.txt.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scripts.app_browser import ROOT, Visitor, find_chromium, launch, serve, visit

IMAGES = ROOT / "docs" / "images"
PAGES = {
    "start": "",
    "learn": "learn",
    "data-and-run": "data",
    "overlap": "overlap",
    "token": "token",
    "map": "map",
    "train": "train",
    "methods": "methods",
    "compare": "compare",
    "check-and-export": "export",
}
WIDTH, HEIGHT = 1440, 900
MAX_HEIGHT = 1500


def main() -> int:
    """Take the pictures; return the exit status."""
    chromium = find_chromium()
    if chromium is None:
        print("no Chromium on this machine: install one, for example with apt-get install chromium", file=sys.stderr)
        return 1
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        environment = {"FOCUS_LAB_RUNS": f"{folder}/runs"}
        with serve(Path(folder), environment) as address, launch(chromium) as browser:
            for scheme in ("light", "dark"):
                with visit(browser, address, scheme=scheme, width=WIDTH, height=HEIGHT) as visitor:
                    shoot_pages(visitor, scheme)
    return 0


def shoot_pages(visitor: Visitor, scheme: str) -> None:
    """Write the pictures of every page in one scheme; a page is as high as what stands on it.

    Each page after the Token page is asked for the token that stood there, so that the map has one marked.
    """
    token: dict[str, str] = {}
    for name, path in PAGES.items():
        visitor.page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
        visitor.open(path, **token)
        shown = parse_qs(urlsplit(visitor.page.url).query).get("token")
        token = {"token": shown[0]} if shown else token
        high = visitor.page.locator('[data-testid="stMainBlockContainer"]').evaluate("e => e.scrollHeight")
        visitor.page.set_viewport_size({"width": WIDTH, "height": max(700, min(MAX_HEIGHT, high))})
        visitor.settle()
        file = IMAGES / f"{name}-{scheme}.png"
        visitor.shoot(file)
        print(f"{file.relative_to(ROOT)}  {file.stat().st_size // 1000} kB")


if __name__ == "__main__":
    sys.exit(main())
