"""The frame in a real browser: whose runs these are, keys, links, tabs, headings, contrast, a job in the tray."""

from __future__ import annotations

from itertools import pairwise
from urllib.parse import urlsplit

import pytest

from focus_core.jobs import process as jobs
from focus_ui.session.state import OWNER_COOKIE
from tests.fake_jobs import FAKE
from tests.pages.frame import own_run

WAIT_MS = 60_000
TITLES = {
    "": "Start", "learn": "Learn", "data": "Data and run", "overlap": "Overlap", "token": "Token", "map": "Map",
    "train": "Train", "methods": "Methods", "compare": "Compare", "export": "Check and export",
}  # fmt: skip
CONTRAST = """() => {
  const rgba = (text) => {
    const n = (text.match(/[\\d.]+/g) || [0, 0, 0, 0]).map(Number);
    return text.startsWith('color(') ? [n[0] * 255, n[1] * 255, n[2] * 255, n[3] ?? 1] : [n[0], n[1], n[2], n[3] ?? 1];
  };
  const over = (top, under) => [0, 1, 2].map((i) => top[i] * top[3] + under[i] * (1 - top[3])).concat(1);
  const up = (node) => node.parentElement || (node.getRootNode().host ?? null);
  const light = (c) => c.slice(0, 3).map((v) => v / 255)
    .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const found = [];
  const roots = [document.body];
  for (let i = 0; i < roots.length; i += 1) {
    const walker = document.createTreeWalker(roots[i], NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT);
    for (let node = walker.currentNode; node; node = walker.nextNode()) {
      if (node.shadowRoot) roots.push(node.shadowRoot);
      if (node.nodeType !== Node.TEXT_NODE || !node.textContent.trim()) continue;
      const holder = node.parentElement;
      if (!holder || !holder.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true })) continue;
      if (holder.closest('svg, style, script, [aria-hidden="true"], :disabled')) continue;
      if (holder.closest('[data-testid="stIconMaterial"]')) continue;
      const box = holder.getBoundingClientRect();
      if (box.width < 2 || box.height < 2 || box.right < 0) continue;
      const layers = [];
      let opacity = 1;
      for (let at = holder; at; at = up(at)) {
        layers.push(rgba(getComputedStyle(at).backgroundColor));
        opacity *= Number(getComputedStyle(at).opacity);
      }
      const under = layers.reverse().reduce((below, layer) => over(layer, below), [255, 255, 255, 1]);
      const ink = rgba(getComputedStyle(holder).color);
      ink[3] *= opacity;
      const pair = [light(over(ink, under)), light(under)].sort((a, b) => a - b);
      const ratio = (pair[1] + 0.05) / (pair[0] + 0.05);
      const size = parseFloat(getComputedStyle(holder).fontSize);
      if (ratio < (size >= 24 ? 3 : 4.5)) found.push(`${ratio.toFixed(2)} ${node.textContent.trim().slice(0, 40)}`);
    }
  }
  return found;
}"""


def secret_of(visitor):
    """Return the owner's secret as the browser keeps it."""
    visitor.page.wait_for_function(f"() => document.cookie.includes('{OWNER_COOKIE}=')", timeout=WAIT_MS)
    (cookie,) = [c for c in visitor.page.context.cookies() if c["name"] == OWNER_COOKIE]
    return cookie


def card(page, title):
    return page.locator(".st-key-gallery").get_by_text(title, exact=True)


def test_a_reload_keeps_the_browsers_own_runs_and_nobody_else_sees_them(user, runs, toy):
    first = user()
    first.open()
    cookie = secret_of(first)
    assert cookie["sameSite"] == "Strict"
    assert len(cookie["value"]) == 32
    own_run(cookie["value"], toy.path, title="kept by this browser")
    first.open()
    card(first.page, "kept by this browser").wait_for(timeout=WAIT_MS)
    assert secret_of(first)["value"] == cookie["value"]
    assert cookie["value"] not in first.page.url
    other = user()
    other.open()
    card(other.page, "toy").wait_for(timeout=WAIT_MS)
    assert secret_of(other)["value"] != cookie["value"]
    assert card(other.page, "kept by this browser").count() == 0
    first.page.get_by_role("button", name="Forget my runs").click()
    first.page.get_by_role("button", name="Forget them").click()
    card(first.page, "kept by this browser").wait_for(state="detached", timeout=WAIT_MS)
    first.settle()
    assert secret_of(first)["value"] != cookie["value"]
    first.open()
    card(first.page, "toy").wait_for(timeout=WAIT_MS)
    assert card(first.page, "kept by this browser").count() == 0


def test_two_tabs_that_open_at_once_agree_on_one_secret(user, runs, toy):
    """The other tab sets the cookie after this one has been asked for without it."""
    other = "b7" * 16
    own_run(other, toy.path, title="of the other tab")
    visitor = user()
    visitor.page.add_init_script(
        """const Plain = WebSocket;
        window.WebSocket = class extends Plain {
          constructor(...given) {
            super(...given);
            this.addEventListener('open', () => { document.cookie = 'NAME=SECRET; Path=/; SameSite=Strict'; });
          }
        };""".replace("NAME", OWNER_COOKIE).replace("SECRET", other)
    )
    visitor.open()
    card(visitor.page, "of the other tab").wait_for(timeout=WAIT_MS)
    assert secret_of(visitor)["value"] == other


def test_two_tabs_on_one_run_and_one_of_them_deletes_it(user, runs, toy):
    first = user()
    first.open()
    job = own_run(secret_of(first)["value"], toy.path, title="seen twice")
    first.open("overlap", run=job.id)
    second = first.page.context.new_page()
    second.goto(f"{first.address}/?run={job.id}")
    second.locator(f".st-key-run_card_{job.id}").get_by_role("button", name="Delete").click()
    second.get_by_role("button", name="Delete for good").click()
    second.locator(f".st-key-run_card_{job.id}").wait_for(state="detached", timeout=WAIT_MS)
    first.page.get_by_role("radio", name="corpus occurrences").click()
    first.page.get_by_text("This run is gone").wait_for(timeout=WAIT_MS)
    first.settle()
    first.page.get_by_role("button", name="Open the demo run").click()
    first.page.get_by_text("Of 135 target tokens").first.wait_for(timeout=WAIT_MS)
    assert "run=toy" in first.page.url
    second.close()


def test_a_job_in_the_tray_is_cancelled_then_dismissed(user, runs):
    visitor = user()
    visitor.open("learn")
    owner = secret_of(visitor)["value"]
    job = jobs.start_job(["wait"], runs_root=runs, owner=owner, title="a slow one", command=FAKE)
    (job.record / "stderr.log").write_text("the last line of its log\n", "utf-8")
    visitor.open("learn")
    tray = visitor.page.locator(".st-key-job_tray")
    tray.get_by_text("train vectors").wait_for(timeout=WAIT_MS)
    tray.get_by_text("Log", exact=True).click()
    tray.get_by_text("the last line of its log").wait_for(timeout=WAIT_MS)
    tray.get_by_role("button", name="Cancel").click()
    tray.get_by_text("cancelled").wait_for(timeout=WAIT_MS)
    visitor.settle()
    tray.get_by_role("button", name="Dismiss").click()
    tray.wait_for(state="detached", timeout=WAIT_MS)


def test_a_key_leads_to_the_search_and_the_first_tab_past_the_navigation(user):
    visitor = user()
    visitor.open("overlap")
    visitor.page.locator("h1").first.click()
    visitor.page.keyboard.press("/")
    assert visitor.page.evaluate("document.activeElement.closest('.st-key-_search') !== null")
    visitor.page.keyboard.type("a/b")
    assert visitor.page.get_by_role("searchbox", name="Find a token", exact=True).input_value() == "a/b"
    visitor.open("overlap")
    visitor.page.wait_for_selector("#focus-lab-skip", state="attached")  # mounted a moment after the script has run
    visitor.page.keyboard.press("Tab")
    focused = visitor.page.locator(":focus")
    assert focused.inner_text() == "Skip to the page"
    assert focused.bounding_box()["x"] >= 0, "it shows while it has the focus"
    visitor.page.keyboard.press("Enter")
    assert visitor.page.evaluate("document.activeElement.dataset.testid") == "stMain"


def test_every_page_is_marked_in_the_navigation_named_in_the_tab_and_speaks_english(user):
    visitor = user(width=900)
    for name, title in TITLES.items():
        visitor.open(name)
        links = visitor.page.locator('[data-testid="stSidebarNavLink"]')
        assert links.count() == len(TITLES)
        assert all(links.nth(place).is_visible() for place in range(len(TITLES)))
        current = visitor.page.locator('[data-testid="stSidebarNavLink"][aria-current="page"]')
        assert current.inner_text().split("\n")[-1] == title
        assert visitor.page.title() == f"{title} · FOCUS Lab"
    assert visitor.page.locator("html").get_attribute("lang") == "en"


def test_the_link_of_a_view_is_copied_and_leads_back_to_it(user):
    visitor = user()
    visitor.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    visitor.open("token", run="toy", token=40)
    visitor.page.get_by_role("button", name="Copy link of this view").click()
    visitor.page.get_by_text("Link copied").wait_for(timeout=WAIT_MS)
    copied = visitor.page.evaluate("navigator.clipboard.readText()")
    assert copied == visitor.page.url
    assert "token=40" in copied
    assert "run=toy" in copied


def test_where_nothing_may_be_copied_the_link_is_shown(user):
    visitor = user()
    visitor.page.add_init_script(
        "Object.defineProperty(navigator, 'clipboard', { value: { writeText: () => Promise.reject(1) } })"
    )
    visitor.open("token", run="toy", token=40)
    visitor.page.get_by_role("button", name="Copy link of this view").click()
    box = visitor.page.get_by_role("textbox", name="The link")
    box.wait_for(timeout=WAIT_MS)
    assert box.input_value() == visitor.page.url


def test_the_link_of_a_run_in_the_gallery_opens_that_run(user, runs, toy):
    visitor = user()
    visitor.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    visitor.open()
    job = own_run(secret_of(visitor)["value"], toy.path, title="to be shared")
    visitor.open()
    place = visitor.page.locator(f".st-key-run_card_{job.id}")
    place.get_by_role("button", name="Copy link").click()
    place.get_by_text("Link copied").wait_for(timeout=WAIT_MS)
    copied = visitor.page.evaluate("navigator.clipboard.readText()")
    assert urlsplit(copied).query == f"run={job.id}"
    guest = user()
    guest.page.goto(copied)
    guest.page.get_by_text("by link").first.wait_for(timeout=WAIT_MS)
    guest.settle()
    assert guest.page.get_by_role("button", name="Delete").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_can_be_read_on_their_backgrounds(user, scheme):
    """WCAG 2.2, 1.4.3: a contrast of 4.5, of 3 for large words; charts have tests of their own."""
    visitor = user(scheme=scheme)
    visitor.open()
    visitor.page.locator(".st-key-gallery").wait_for(timeout=WAIT_MS)
    visitor.settle()
    assert visitor.page.evaluate(CONTRAST) == []


@pytest.mark.parametrize("name", TITLES)
def test_headings_skip_no_level(user, name):
    """Those that parts of a page draw themselves count too; `tests/pages/test_headings.py` knows only the rest."""
    visitor = user()
    visitor.open(name)
    visitor.page.locator("h1").first.wait_for(timeout=WAIT_MS)
    if not name:
        visitor.page.locator(".st-key-gallery").wait_for(timeout=WAIT_MS)
    visitor.settle()
    levels = visitor.page.locator("h1, h2, h3, h4, h5, h6").evaluate_all("all => all.map(e => Number(e.tagName[1]))")
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels)), levels
