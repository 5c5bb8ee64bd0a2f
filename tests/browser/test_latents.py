"""Tables of latents, enlarged images and the explorer, used as a reader would."""

from __future__ import annotations

from browser_page import NEEDS, open_page

from analysis.site.check.browser import holds

pytestmark = NEEDS


def test_the_table_sorts_filters_and_keeps_its_state_in_the_url(browser, base):
    page = open_page(browser, base, "report/neurons.html")
    page.locator("th[data-key=precision] button").press("Enter")
    cells = page.locator(".neuron-table tbody td:nth-child(7)").all_inner_texts()
    known = [float(text) for text in cells if text != "–"]
    assert known == sorted(known, reverse=True) and len(known) > 20
    page.get_by_role("group", name="Filter by class").get_by_role("button", name="7").click()
    page.get_by_role("group", name="Filter by depth").get_by_role("button", name="2").click()
    shown = page.locator(".neuron-table tbody tr:visible")
    assert shown.count() > 0
    assert set(page.locator(".neuron-table tbody tr:visible td:nth-child(3)").all_inner_texts()) == {"7"}
    assert all(row.get_attribute("data-depth") == "2" for row in shown.all())
    url, count = page.url, shown.count()
    page.goto("about:blank")
    page.goto(url)
    assert page.locator(".neuron-table tbody tr:visible").count() == count
    assert page.locator("th[aria-sort=descending]").inner_text().startswith("prec.")
    page.context.close()


def test_a_deep_link_into_the_table_shows_its_row_whatever_the_filters(browser, base):
    page = open_page(browser, base, "report/neurons.html#depth=2")
    row = page.locator(".neuron-table tbody tr[data-depth='1']").first.get_attribute("id")
    assert not page.locator(f"#{row}").is_visible()
    page.evaluate(f"location.hash = '{row}'")
    page.locator(f"#{row}").wait_for(state="visible")
    page.evaluate("location.hash = 'd3-99999'")
    assert page.locator(".neuron-count a").get_attribute("href") == "explorer.html#depth=3&latent=99999"
    page.context.close()


def test_a_press_on_the_map_of_classes_chooses_rows_of_the_table(browser, base):
    page = open_page(browser, base, "report/neurons.html")
    page.locator(".chart[data-chart=class_heat]").scroll_into_view_if_needed()
    page.wait_for_selector(".chart[data-chart=class_heat][data-live]", timeout=15_000)
    box = page.locator(".chart[data-chart=class_heat] .mark-rect path").nth(12).bounding_box()
    page.mouse.click(
        box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    )  # on the number in the cell, as a reader does
    assert holds(page, "() => location.hash.includes('class=')")
    assert "depth=" in page.url
    assert holds(page, "() => / that fire, /.test(document.querySelector('.neuron-count').textContent)")
    rows = page.locator(".neuron-table tbody tr:visible")
    assert rows.count() > 0 and len({row.get_attribute("data-depth") for row in rows.all()}) == 1
    # as many that pass as the cell counts, whatever the page carried
    cell = page.locator(".chart[data-chart=class_heat] .mark-text text").nth(12).text_content()
    assert page.locator(".neuron-table tbody tr[data-passes]:visible").count() == int(cell)
    assert f", {cell} pass." in page.locator(".neuron-count").inner_text()
    page.context.close()


def test_a_depth_is_shown_whole_and_what_cannot_be_fetched_is_said(browser, base):
    page = open_page(browser, base, "report/neurons.html")
    carried = page.locator(".neuron-table tbody tr[data-depth='3']").count()
    page.route("**/rows-3.json", lambda route: route.abort())
    three = page.get_by_role("group", name="Filter by depth").get_by_role("button", name="3")
    three.click()
    page.locator(".neuron-count", has_text="could not be loaded").wait_for()
    assert page.locator(".neuron-table tbody tr:visible").count() == carried
    page.unroute("**/rows-3.json")
    three.click()
    three.click()
    assert holds(page, "() => / of \\d+ that fire/.test(document.querySelector('.neuron-count').textContent)")
    rows = page.locator(".neuron-table tbody tr:visible")
    assert rows.count() > carried
    hrefs = rows.locator("th a").evaluate_all("links => links.map((a) => a.href.split('/').pop().split('=')[0])")
    assert set(hrefs) == {"explorer.html#depth"}
    page.context.close()


def test_few_columns_come_first_and_the_strongest_effect_with_the_first_press(browser, base):
    page = open_page(browser, base, "report/neurons.html#depth=1")
    chance = page.locator("th[data-key=null]")
    assert not chance.is_visible()
    page.get_by_role("button", name="all columns").click()
    assert chance.is_visible() and "wide=1" in page.url
    page.locator("th[data-key=ablation] button").click()
    page.locator("th[data-key=ablation][aria-sort=ascending]").wait_for()
    at = page.locator("th[data-key=ablation]").evaluate("head => head.cellIndex")
    values = page.locator(f".neuron-table tbody tr:visible > :nth-child({at + 1})[data-value]")
    found = [float(value) for value in values.evaluate_all("cells => cells.map((cell) => cell.dataset.value)")]
    assert found == sorted(found) and found[0] < 0
    page.context.close()


def test_a_link_to_a_row_that_the_page_does_not_carry_brings_it(browser, base):
    page = open_page(browser, base, "report/neurons.html")
    rows = page.evaluate("fetch('assets/generated/explorer/site/rows-2.json').then((answer) => answer.json())")
    last = rows[-1].split('id="')[1].split('"')[0]
    assert page.locator(f"#{last}").count() == 0
    page.evaluate(f"location.hash = '{last}'")
    page.locator(f"#{last}.sought").wait_for()
    page.context.close()


def test_images_open_larger_and_close_again(browser, base):
    page = open_page(browser, base, "report/images.html")
    cell = page.locator("[data-enlarge]").first
    cell.scroll_into_view_if_needed()
    cell.locator("button.enlarge").press("Enter")
    dialog = page.locator("dialog.enlarged")
    assert dialog.is_visible() and cell.get_attribute("data-enlarge") in dialog.inner_text()
    small, large = (place.locator(".digits i").first.bounding_box()["width"] for place in (cell, dialog))
    assert large > 2 * small
    page.keyboard.press("Escape")
    assert not dialog.is_visible()
    page.context.close()
