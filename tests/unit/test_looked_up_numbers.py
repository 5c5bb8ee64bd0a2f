"""Numbers that pages look up: in which experiment and variant, and what each is in words."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from factories import some_results
from tests_root import CHECKOUT

from analysis.pages.numbers import derived_numbers, derived_words, resolve, slug
from analysis.plan.paths import Paths
from analysis.results.number_words import measure_words, number_words
from analysis.results.tables import open_results
from sae.errors import NotFoundError, RenderError


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    """A project with three experiments, and the site's own."""
    return some_results(tmp_path)


@pytest.mark.parametrize(
    ("name", "text", "title"),
    [
        ("selectivity/latents/1", "0.70", "class selectivity, latents tower, depth 1, held-out rows; d0"),
        (
            "towers:selectivity/latents/1/pct",
            "50%",
            "class selectivity, latents tower, depth 1, held-out rows (experiment towers); t0",
        ),
        (
            "grid:selectivity/latents/1",
            "0.40",
            "class selectivity, latents tower, depth 1, held-out rows (experiment grid); mean of 3 runs",
        ),
        ("grid/topk:selectivity/latents/1", "0.80", "held-out rows (experiment grid, variant TopK); s0"),
        ("grid/as-published-penalty-0.1:selectivity/latents/1/range", "0.10 to 0.30", "mean of 2 runs"),
        ("grid/topk:seeds/int", "1", "how many seeds there are (experiment grid, variant TopK); all runs"),
    ],
)
def test_a_number_is_looked_up_in_the_experiment_and_variant_that_it_names(name, text, title, paths):
    found = resolve(name, open_results("digits", paths), paths)
    assert found.text == text and title in found.title


def test_every_number_of_the_tracked_tables_has_words_that_no_machine_wrote():
    names = set()
    for file in Paths(CHECKOUT).tracked.glob("*/measures.parquet"):
        rows = pd.read_parquet(file, columns=["measure", "kind", "depth", "control", "split"])
        names |= set(rows.astype(str).drop_duplicates().itertuples(index=False, name=None))
    for measure, kind, depth, control, split in sorted(names):
        said = number_words(measure, kind, int(depth), control, split)
        assert "_" not in said and ";" not in said, said
    own = {name.replace("_", " ") for name, *_ in names}
    assert own.isdisjoint({measure_words(measure) for measure, *_ in names}), "no measure is called by its name alone"


def test_a_number_of_a_plugin_or_another_architecture_has_words_too():
    said = number_words("own_measure", "batch_topk", 1, "relearned_shuffled", "train")
    assert said == (
        "own measure, one SAE, batch topk, depth 1, training rows, of the floor “dealt out, learned again, once more”"
    )


def test_a_projects_derived_number_is_told_in_its_own_words(paths):
    file = paths.report / "derived_numbers.py"
    file.parent.mkdir(exist_ok=True)
    file.write_text(
        "import pandas as pd\nNUMBERS = {name: lambda r: pd.Series([4.0]) for name in ('odd_one', 'bare_one')}\n"
        "WORDS = {'odd_one': 'what is odd; twice'}\n"
    )
    digits = open_results("digits", paths)
    assert resolve("odd_one", digits, paths).title == "what is odd, twice; all runs"
    assert resolve("bare_one/int", digits, paths).words == "bare one"
    file.write_text("NUMBERS = {}\nWORDS = {'gone': 'not there'}\n")
    with pytest.raises(RenderError, match=r"derived_numbers\.py: WORDS has 'gone', which NUMBERS has not"):
        resolve("odd_one", digits, paths)


def test_every_derived_number_of_this_project_has_words():
    paths = Paths(CHECKOUT)
    assert derived_words(paths).keys() == derived_numbers(paths).keys()


def test_a_number_of_a_variant_of_the_sites_own_experiment(paths):
    grid = open_results("grid", paths)
    for place in ("", "grid"):
        assert resolve(f"{place}/topk:selectivity/latents/1", grid, paths).text == "0.80"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("nowhere:selectivity/latents/1", "named 'nowhere'; found: both, digits, grid, towers"),
        ("grid/none:selectivity/latents/1", r"no variant of grid named 'none'; found: as-published-penalty-0\.1, topk"),
        ("grid/TopK:selectivity/latents/1", "no variant of grid named 'TopK'"),
        ("towers/topk:selectivity/latents/1", "no variant of towers named 'topk'"),
        ("grid/topk:purity/latents/1", "no number named 'purity/latents/1'; found: .*selectivity"),
        ("grid/topk:selectivity/latents/2", "no number named 'selectivity/latents/2'; found: depth 1$"),
        ("selectivity/latent/1", "found: kind latents$"),
        ("selectivity", "found: kind latents"),
        ("selectivity/latents", "found: depth 1$"),
        ("selectivity/latents/first", "found: depth 1$"),
        ("selectivity/latents/1/pca/pct", "found: control none$"),
        ("selectivity/latents/1/train", "found: split held_out$"),
        ("margin/stairs/1", "found: kind latents$"),
        ("margin/latents/7", "found: depth 1$"),
        ("selectivty/latents/1", "found: .*, margin, .*selectivity"),
    ],
)
def test_a_number_without_an_answer_lists_what_there_is(name, words, paths):
    with pytest.raises(NotFoundError, match=words):
        resolve(name, open_results("digits", paths), paths)


@pytest.mark.parametrize(
    ("variant", "text"),
    [
        ("as published, penalty 0.1", "as-published-penalty-0.1"), ("TopK and AuxK", "topk-and-auxk"),
        ("width 8-4-2", "width-8-4-2"), ("(k = 4)", "k-4"), ("", ""),
    ],
)  # fmt: skip
def test_a_slug_can_stand_in_a_number(variant, text):
    assert slug(variant) == text and "/" not in text and ":" not in text
