"""The table of evaluations: what its title says is what the numbers bear, and what is not there is left out."""

from __future__ import annotations

import pandas as pd
import pytest
from planted_tables import Planted, write

from analysis.figures.kinds.language_evaluations import language_evaluations
from analysis.figures.kinds.language_latents import language_latents
from analysis.figures.kinds.language_probes import language_probes
from analysis.results.tables import Results
from sae.errors import DataError


def planted(tmp_path, losses: dict[str, float], seeds: int = 3, measure: str = "delta_loss", apart=0.01) -> Results:
    """Tables with a measure of the SAE and of controls; seeds of the SAE lie a little apart."""
    folder = tmp_path / "planted"
    write(folder, Planted(seeds=seeds, depths=1))
    path = folder / "measures.parquet"
    table = pd.read_parquet(path)
    runs = sorted(table["run"].astype(str).unique())
    rows = [
        {"run": run, "kind": "latents", "depth": 1, "split": "held_out", "control": control, "measure": measure,
         "version": 1, "value": loss + apart * place * (control == "none"), "n": 100}
        for place, run in enumerate(runs) for control, loss in losses.items()
    ]  # fmt: skip
    added = pd.concat([table.astype({"run": str, "kind": str, "split": str, "control": str, "measure": str}),
                       pd.DataFrame(rows)])  # fmt: skip
    added.to_parquet(path, index=False)
    return Results(folder)


def test_the_title_names_the_cheapest_sae_and_what_comes_nearest_without_one(tmp_path):
    drawn = language_evaluations(planted(tmp_path, {"none": 0.1, "pca": 0.5, "neurons": 0.9}))
    assert "costs the model least: 0.11 nats a token" in drawn.title
    assert drawn.title.endswith("of what needs no SAE principal components come nearest, at 0.50")
    assert "principal components" in drawn.html and "random directions" not in drawn.html
    assert "0.110" in drawn.html and "0.100–0.120" in drawn.html


def test_a_control_that_does_as_well_is_counted(tmp_path):
    drawn = language_evaluations(planted(tmp_path, {"none": 0.5, "pca": 0.3, "neurons": 0.9}))
    assert drawn.alt.endswith("1 of the controls do as well as the first SAE.")


def test_tables_without_a_loss_are_refused(tmp_path):
    with pytest.raises(DataError, match="the loss with an SAE spliced in"):
        language_evaluations(write(tmp_path / "planted", Planted(seeds=2, depths=1)))


@pytest.mark.parametrize(
    ("measure", "own", "rival", "title"),
    [
        ("probe_loss", 0.3, {"neurons": 0.4}, "One latent tells more than one neuron"),
        ("probe_loss", 0.5, {"neurons": 0.4}, "Not so: one latent tells more than one neuron"),
        ("probe_loss", 0.39, {"neurons": 0.4}, "What single latents are worth"),
        ("pattern_f1", 0.4, {"single_tokens": 0.3}, "Patterns foretell more than tokens without context"),
        ("ablation_sparsity", 0.4, {"random_direction": 0.3}, "Not so: effects are sparser than a random direction's"),
        ("targeted_perturbation", 0.4, {}, "What single latents are worth"),
    ],
)
def test_the_title_on_latents_says_who_wins_where_all_seeds_do(tmp_path, measure, own, rival, title):
    results = planted(tmp_path, {"none": own, **rival}, measure=measure)
    if measure != "probe_loss":
        with pytest.raises(DataError, match="probes on single latents"):
            language_latents(results)
        path = results.folder / "measures.parquet"
        table = pd.read_parquet(path).astype(str).astype({"depth": int, "version": int, "value": float, "n": int})
        added = table[table["measure"] == measure].assign(measure="probe_loss")
        pd.concat([table, added[added["control"] == "none"]]).to_parquet(path, index=False)
        results = Results(results.folder)
    drawn = language_latents(results)
    assert drawn.title == title
    assert set(drawn.data["measure"]) == {measure, "probe_loss"}


def test_questions_are_those_that_the_row_answers_and_the_better_of_latent_and_neuron_is_bold(tmp_path):
    folder = tmp_path / "planted"
    write(folder, Planted(seeds=1, depths=1))
    path = folder / "measures.parquet"
    table = pd.read_parquet(path).astype(str).astype({"depth": int, "version": int, "value": float, "n": int})
    losses = {
        "number": {"activations": 0.01, "none": 0.3, "neurons": 0.1, "permuted_labels": 0.69},
        "plural": {"activations": 0.05, "none": 0.2, "neurons": 0.5, "permuted_labels": 0.7},
        "decade_1910s": {"activations": 0.68, "none": 0.69, "neurons": 0.69, "permuted_labels": 0.69},
    }
    added = [
        {"run": "run0", "kind": "latents", "depth": 1, "split": "held_out", "control": control,
         "measure": f"probe_loss_{question}", "version": 1, "value": value, "n": 100}
        for question, values in losses.items() for control, value in values.items()
    ]  # fmt: skip
    pd.concat([table, pd.DataFrame(added)]).to_parquet(path, index=False)
    drawn = language_probes(Results(folder))
    assert drawn.title.startswith("The best latent answers better than the best neuron on 1 of 2 questions")
    assert "<b>0.10</b>" in drawn.html and "<b>0.20</b>" in drawn.html and "1910s" not in drawn.html
    assert "Left out: 1 questions" in drawn.caption
