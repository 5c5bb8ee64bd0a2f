"""The page of costs: sliders, typed numbers and examples give what the formulae give, and the address holds them."""

from __future__ import annotations

import json

import pytest
from browser_page import NEEDS, open_page
from tests_root import CHECKOUT

from analysis.results.cost import Plan, cost, said
from analysis.site.check.browser import holds, violations

pytestmark = NEEDS
CASES = [one["plan"] for one in json.loads((CHECKOUT / "data/cost.json").read_text())["cases"]]


@pytest.fixture
def arrive(browser, base, request):
    def opened(state="", **options):
        page = open_page(browser, base, "report/cost.html" + (state and "#" + state), **options)
        request.addfinalizer(page.context.close)
        return page

    return opened


def shown(page):
    return page.locator(".cost-found td").all_inner_texts()


def expected(plan):
    found = cost(Plan(**plan))
    return [
        said(found.matrices, "count"), said(found.biases, "count"),
        *(said(value, "bytes") for value in (found.weights, found.gradients, found.moments, found.memory)),
        *(said(value, "count") for value in (found.encoder, found.decoder, found.to_latents, found.to_decoder)),
        *(said(value, "count") for value in (found.to_encoder, found.to_bias, found.row)),
        *(said(value, "count") for value in (found.training, found.reading)),
        said(found.disk, "bytes"), said(found.training_hours, "hours"), said(found.reading_hours, "hours"),
        said(found.money, "money"),
    ]  # fmt: skip


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_examples_sliders_and_typed_numbers_give_what_the_formulae_give(arrive, width, scheme):
    page = arrive(width=width, scheme=scheme)
    assert shown(page) == expected(CASES[0])
    for place, plan in enumerate(CASES):
        page.locator(".cost-cases button").nth(place).press("Enter")
        assert shown(page) == expected(plan)
    assert "Checked: the journal mission-sae: 557 billion, as here" in page.locator(".cost-about").inner_text()
    plan = CASES[-1] | {"d_model": 4096, "latents": 2**20}
    for label, text in (("width of the host's state, d", "4096"), ("latents, n", "2^20")):
        box = page.get_by_role("textbox", name=label)
        box.fill(text)
        box.press("Enter")
    assert shown(page) == expected(plan)
    slider = page.get_by_role("slider", name="share of them that is reached")
    slider.focus()
    page.keyboard.press("ArrowRight")
    page.get_by_role("checkbox").press("Space")
    plan |= {"utilisation": plan["utilisation"] + 0.01, "dense": True}
    assert shown(page) == expected(plan) and slider.get_attribute("aria-valuetext") == "31%"
    assert holds(page, "() => location.hash.includes('dense=1')")
    again = arrive(page.url.split("#")[1], width=width)
    assert shown(again) == expected(plan)
    assert page.evaluate("document.documentElement.scrollWidth") <= width and violations(page) == []
    assert page.complaints == again.complaints == []


@pytest.mark.parametrize("text", ["many", "-4", "1e999", "0"])
def test_what_is_no_number_is_said_and_changes_nothing(arrive, text):
    page = arrive()
    box = page.get_by_role("textbox", name="latents, n")
    box.fill(text)
    box.press("Enter")
    assert box.get_attribute("aria-invalid") == "true" and "latents, n: " in page.locator(".cost-said").inner_text()
    assert shown(page) == expected(CASES[0])


def test_an_address_that_asks_for_what_cannot_be_is_said(arrive):
    page = arrive("k=900&latents=12&colour=red")
    assert "more latents cannot be on than there are" in page.locator(".cost-said").inner_text()
    assert shown(page) == expected(CASES[0]) and page.complaints == []


def test_without_scripts_the_worked_examples_stand_there(arrive):
    page = arrive(scripts=False, width=390)
    rows = page.locator(".cost tbody tr")
    assert rows.count() == len(CASES) and "557.1 billion" in rows.last.inner_text()
    assert not page.locator(".cost input").count()
