"""The page of a judgement on a phone: nothing beside the screen, no words on top of others, and soon at its end."""

from __future__ import annotations

import pytest
from browser_page import NEEDS_CHROMIUM

from analysis.pages.judge_page import page as judge_page
from sae.judgement import Budget, Group, JudgedSae, Judgement, Latents, Margin, Near, Number, RowsUsed, Strong, Untested
from sae.rule import DECIDING, NAMES, Verdict

pytestmark = NEEDS_CHROMIUM
LATENTS = 60
# The ends of labels of an axis, of words in the chart: pairs of boxes that meet.
MEETING = """() => {
  const boxes = [...document.querySelectorAll("svg text")].filter((text) => text.textContent.trim())
    .map((text) => [text.textContent, text.getBoundingClientRect()]);
  const meet = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
  return boxes.flatMap(([one, a], i) => boxes.slice(i + 1)
    .filter(([other, b]) => one !== other && meet(a, b)).map(([other]) => `${one} / ${other}`));
}"""
BESIDE = """() => [...document.querySelectorAll(".scroll, body")]
  .filter((part) => part.scrollWidth > part.clientWidth + 1).map((part) => part.ariaLabel || part.tagName)"""


def judgement(margins: list[float]) -> Judgement:
    numbers = [Number(name="none", measure="variance_explained", split="held_out", value=0.9, n=99)]
    for name in DECIDING:
        numbers += [
            Number(name=name, measure="variance_explained", split=split, value=0.3, n=99)
            for split in ("held_out", "train")
        ]
    for measure in ("selectivity", "class_precision"):
        numbers.append(Number(name="none", measure=measure, split="held_out", value=0.8, n=40))
        numbers.append(
            Number(name="permuted_labels", measure=measure, split="held_out", value=0.2, n=40, low=0.111, high=0.333)
        )
    strongest = tuple(
        tuple(Strong(123456 + rank, 12.345 - rank, 1_000_000) for rank in range(5)) for _ in range(LATENTS)
    )
    latents = Latents(
        firing_rate=(0.12,) * LATENTS, strongest=strongest, dead=(), copies=(),
        stored=tuple(Near(latent, 99, 0.95) for latent in range(30)), selectivity=(0.5,) * LATENTS,
        classes=(1_000_000,) * LATENTS,
    )  # fmt: skip
    sae = JudgedSae(
        name="someone/with-a-rather-long-name/blocks.8.hook_resid_pre", format="SAELens", architecture="topk",
        n_latents=LATENTS, d_in=24, steps=None, numbers=tuple(numbers), latents=latents,
    )  # fmt: skip
    group = Group(
        saes=(sae,), verdict=Verdict(word="structure", why="It is above.", margin=0.1, low=0.05, high=0.15),
        margins=tuple(Margin(name, at, at - 0.01, at + 0.01) for name, at in zip(DECIDING, margins, strict=False)),
        interval="Over rows.", standardised=False,
        budget=Budget(nulls="quick", steps=9, batch=9, architecture="topk", k=3),
    )  # fmt: skip
    rows = RowsUsed(
        given=9, used=9, width=24, fit=8, held_out=1, outliers=0, classes=(1, 1_000_000), said="All of them."
    )
    return Judgement(rows=rows, groups=(group,), notes=("All.",), untested=(Untested("nothing", "no"),), seed=0)


@pytest.mark.parametrize(
    "margins", [[0.1, 0.2, 0.3, 0.9], [-0.0012, -0.0004, 0.0003, 0.0011], [-12.5, -3.25, 0.5, 0.6]]
)
def test_a_judgement_is_read_on_a_phone(browser, tmp_path, margins):
    (tmp_path / "judgement.html").write_text(judge_page(judgement(margins).as_dict()))
    page = browser.new_page(viewport={"width": 390, "height": 800}, color_scheme="dark")
    page.goto((tmp_path / "judgement.html").as_uri())
    assert page.evaluate(MEETING) == []
    assert page.evaluate(BESIDE) == []
    assert page.evaluate("document.documentElement.scrollHeight") < 5000
    words = page.locator("svg text", has_text=NAMES[DECIDING[0]])
    assert words.last.bounding_box()["height"] >= 12, "as large as it was drawn"
    ink = page.evaluate("getComputedStyle(document.body).color")
    assert words.last.evaluate("text => getComputedStyle(text).fill") == ink, "readable in the dark"
    assert page.get_by_text("52 more latents").is_visible()
    page.close()
