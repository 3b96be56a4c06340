"""Getting about in a real browser: the search by keys alone, and every page read from its top."""

from __future__ import annotations

from tests.toy_run import id_of

WAIT_MS = 60_000
DOWN = "() => { const main = document.querySelector('[data-testid=\"stMain\"]'); main.scrollTop = 400; }"
NOTE = """() => {
  const main = document.querySelector('[data-testid="stMain"]');
  const { get, set } = Object.getOwnPropertyDescriptor(Element.prototype, 'scrollTop');
  window.wentToTop = false;
  Object.defineProperty(main, 'scrollTop', {
    configurable: true,
    get() { return get.call(main); },
    set(value) { window.wentToTop ||= value === 0; set.call(main, value); },
  });
}"""
FLOW = '[data-testid="stEChartsChart"]'
TOP = "() => document.querySelector('[data-testid=\"stMain\"]').scrollTop"


def type_into_search(visitor, text):
    visitor.page.locator("h1").first.click()
    visitor.page.keyboard.press("/")
    visitor.page.keyboard.type(text)


def shown(visitor, text):
    visitor.page.locator("h1").get_by_text(text, exact=True).wait_for(timeout=WAIT_MS)
    visitor.settle()


def scroll_down(visitor):
    visitor.page.evaluate(DOWN)
    assert visitor.page.evaluate(TOP) > 100, "the page is long enough to tell"


def test_enter_opens_the_first_hit_of_what_was_just_typed(user, toy):
    visitor = user()
    visitor.open("overlap", run="toy")
    type_into_search(visitor, "mkul")
    visitor.page.get_by_role("link", name="mkulima").wait_for(timeout=WAIT_MS)
    visitor.page.keyboard.press("Control+a")
    visitor.page.keyboard.type("maziwa")
    visitor.page.keyboard.press("Enter")
    shown(visitor, "▁maziwa")
    assert f"token={id_of(toy, '▁maziwa')}" in visitor.page.url


def test_arrows_go_through_the_hits_which_look_alike_on_every_page(user, toy):
    visitor = user()
    visitor.open("token", run="toy", token=40)
    type_into_search(visitor, "ma")
    hits = visitor.page.locator('[class*="st-key-search_hits_"] a')
    visitor.page.wait_for_function(
        "() => document.querySelectorAll('[class*=\"st-key-search_hits_\"] a').length > 1", timeout=WAIT_MS
    )
    visitor.settle()
    visitor.page.mouse.move(900, 600)
    colors = hits.evaluate_all("all => all.map(e => getComputedStyle(e).backgroundColor)")
    assert set(colors) == {"rgba(0, 0, 0, 0)"}
    visitor.page.keyboard.press("ArrowDown")
    assert hits.first.evaluate("e => e === document.activeElement")
    visitor.page.keyboard.press("ArrowDown")
    assert hits.nth(1).evaluate("e => e === document.activeElement")
    visitor.page.keyboard.press("ArrowUp")
    visitor.page.keyboard.press("ArrowUp")
    assert visitor.page.evaluate("document.activeElement.closest('.st-key-_search') !== null")


def test_another_page_another_token_and_a_source_token_are_read_from_the_top(user, toy):
    visitor = user(height=500)
    visitor.open("overlap", run="toy")
    scroll_down(visitor)
    visitor.page.evaluate(NOTE)
    visitor.page.locator('[data-testid="stSidebarNavLink"]', has_text="Token").click()
    visitor.page.get_by_text("Formula").wait_for(timeout=WAIT_MS)
    visitor.settle()
    assert visitor.page.evaluate("window.wentToTop"), "not by a page that was short for a moment"
    assert visitor.page.evaluate(TOP) == 0
    scroll_down(visitor)
    visitor.page.keyboard.press("/")
    visitor.page.keyboard.type(f"#{id_of(toy, '▁mkulima')}")
    visitor.page.keyboard.press("Enter")
    shown(visitor, "▁mkulima")
    assert visitor.page.evaluate(TOP) == 0
    visitor.page.get_by_role("radio", name="flow").click()
    visitor.page.locator(f"{FLOW} text").first.wait_for(timeout=WAIT_MS)
    visitor.settle()
    assert visitor.page.evaluate(TOP) > 0, "the same token stays where it is"
    visitor.page.locator(f"{FLOW} text", has_text="market").first.click()
    visitor.page.get_by_text("What it feeds").wait_for(timeout=WAIT_MS)
    visitor.settle()
    assert visitor.page.evaluate(TOP) == 0


def test_the_next_chapter_is_read_from_its_heading(user):
    visitor = user(height=500)
    visitor.open("learn", run="toy")
    visitor.page.get_by_role("button", name="Next").click()
    visitor.page.wait_for_url("**chapter=2**", timeout=WAIT_MS)
    visitor.settle()
    assert visitor.page.evaluate(TOP) == 0


def test_choices_that_stand_in_the_address_come_back_with_it(user):
    visitor = user()
    visitor.open("overlap", run="trained")
    visitor.page.get_by_role("radio", name="corpus occurrences").click()
    visitor.page.wait_for_url("**count=occurrences**", timeout=WAIT_MS)
    guest = user()
    guest.page.goto(visitor.page.url)
    guest.settle()
    assert guest.page.get_by_role("radio", name="corpus occurrences").get_attribute("aria-checked") == "true"
    visitor.open("map", run="trained")
    visitor.page.get_by_role("combobox", name="Layout").click()
    visitor.page.get_by_role("option", name="PCA, laid out at once").click()
    visitor.page.wait_for_url("**layout=quick**", timeout=WAIT_MS)
    guest.page.goto(visitor.page.url)
    guest.settle()
    assert guest.page.get_by_role("combobox", name="Layout").input_value() == "PCA, laid out at once"
