"""SAEs whose making is known, trained or built elsewhere, get the right word; and what cannot be judged is refused."""

from __future__ import annotations

import json
from functools import partial

import numpy as np
import pytest
import torch
from judged_rows import WIDTH, planted_rows, trained
from planted import shapes_unchecked
from safetensors.torch import load_file, save_file
from torch.nn.functional import normalize

from sae.architectures.jumprelu import JumpReLU
from sae.architectures.relu_l1 import ReluL1
from sae.architectures.topk import TopK
from sae.checkpoint import save_layer
from sae.config import TrainConfig
from sae.errors import ConfigError, InputError, NumericError
from sae.interop import Loaded, loaded, saelens
from sae.judge import judge
from sae.judge_groups import grouped, same
from sae.layer import Layer
from sae.normaliser import Normaliser
from sae.per_latent import Shuffled
from sae.train import train

QUICK = {"null_steps": 80}


@pytest.fixture(scope="module")
def planted():
    return planted_rows()


@pytest.fixture(scope="module")
def learned(planted):
    return [trained(planted[0], seed) for seed in range(3)]


def of_directions(rows, directions, k=3):
    """An SAE of these directions that nobody trained, with the rows' own normaliser."""
    sae = TopK(rows.shape[1], len(directions), k=k)
    unit = normalize(directions, dim=1)
    with torch.no_grad():
        sae.W_dec.copy_(unit)
        sae.W_enc.copy_(unit)
    return Layer("topk", sae, Normaliser.fit(rows))


@shapes_unchecked()
def test_planted_directions_are_structure_over_seeds_and_for_one_alone(planted, learned):
    over = judge(planted[0], learned, **QUICK)
    assert over.verdict.word == "structure" and over.verdict.low > 0.1, over.verdict
    assert "over 3 seeds" in over.verdict.why and "Student's t" in over.groups[0].interval
    alone = judge(planted[0], learned[0], **QUICK)
    assert alone.verdict.word == "structure" and "held-out rows drawn again" in alone.verdict.why
    assert "nothing about another training" in alone.groups[0].interval
    assert "weaker floor" in alone.verdict.why and alone.groups[0].budget.steps == 80
    low, mean, high = (getattr(alone.groups[0].margins[0], name) for name in ("low", "mean", "high"))
    assert low < mean < high


@shapes_unchecked()
def test_an_sae_that_has_learned_noise_by_heart_is_floor():
    """Its training rows are among those that are held out: nulls count by their own training rows, too."""
    noise = torch.randn(700, WIDTH, generator=torch.Generator().manual_seed(8))
    sae = trained(noise)
    found = judge(noise, sae, null_steps=120).verdict
    assert found.word == "floor" and "if you know that the SAEs never saw these rows" in found.why
    assert judge(noise, sae, null_steps=120, unseen=True).verdict.word == "structure", "what a false word of ours does"
    honest = trained(noise[:500])
    assert judge(noise[:500], honest, held_out=noise[500:], null_steps=120).verdict.word in ("floor", "undecided")


@shapes_unchecked()
def test_rows_that_repeat_others_are_held_out_from_nothing_and_left_out():
    """Else noise whose every row stands in both parts would be learned by heart and called structure."""
    noise = torch.randn(300, WIDTH, generator=torch.Generator().manual_seed(8))
    copies = noise.repeat(12, 1)
    sae = trained(copies)
    found = judge(copies, sae, null_steps=120)
    assert found.verdict.word == "floor" and found.rows.used == 300
    assert "3300 more only repeat one of these" in found.rows.said


def test_held_out_rows_that_stand_among_the_others_are_told_and_decide_nothing(planted, learned):
    rows = planted[0]
    held = torch.cat([rows[:40], rows[-160:]])
    found = judge(rows[:-160], learned[0], held_out=held, nulls="none")
    assert found.verdict.word == "undecided" and "20% of the held-out rows stand among" in found.verdict.why
    assert any(note.startswith("20.0% of the held-out rows") for note in found.notes)
    apart = judge(rows[:-160], learned[0], held_out=rows[-160:], nulls="none")
    assert "stand among" not in apart.verdict.why + " ".join(apart.notes)


def test_a_random_dictionary_is_floor_even_without_trained_nulls(planted):
    rows = planted[0]
    random = of_directions(rows, torch.randn(48, WIDTH, generator=torch.Generator().manual_seed(99)))
    assert judge(rows, random, **QUICK).verdict.word == "floor"
    assert judge(rows, random, nulls="none").verdict.word == "floor"


def test_without_nulls_structure_is_not_decided(planted, learned):
    found = judge(planted[0], learned[0], nulls="none")
    assert found.verdict.word is None and "for want of nulls: permuted_null" in found.verdict.why
    assert any("nulls = none" in entry.why for entry in found.untested)


def test_axes_are_copies_and_rows_by_heart_are_copies(planted):
    rows = planted[0]
    axes = judge(rows, of_directions(rows, torch.cat([torch.eye(WIDTH), -torch.eye(WIDTH)])), **QUICK)
    assert axes.verdict.word == "copy"
    latents = axes.groups[0].saes[0].latents
    assert len(latents.copies) == 48 and latents.copies[3].other == 3
    wide = torch.randn(700, 60, generator=torch.Generator().manual_seed(2))
    heart = judge(wide, of_directions(wide, (wide - wide.mean(0))[100:180]), **QUICK)
    assert heart.verdict.word == "copy", heart.verdict
    assert [near.other for near in heart.groups[0].saes[0].latents.stored] == list(range(100, 180))


def test_the_middle_of_a_cluster_is_no_row_by_heart():
    draw = torch.Generator().manual_seed(1)
    middles = 3 * normalize(torch.randn(20, 40, generator=draw), dim=1)
    rows = middles.repeat_interleave(40, 0) + 0.03 * torch.randn(800, 40, generator=draw)
    sae = of_directions(rows, middles - rows.mean(0), k=1)
    assert judge(rows, sae, nulls="none").groups[0].saes[0].latents.stored == ()


def test_dead_latents_are_collapse_and_are_named(planted):
    rows = planted[0]
    sae = of_directions(rows, torch.randn(48, WIDTH, generator=torch.Generator().manual_seed(4)))
    with torch.no_grad():
        sae.sae.b_enc[1:] = -1e3
    found = judge(rows, sae, **QUICK)
    assert found.verdict.word == "collapse"
    assert len(found.groups[0].saes[0].latents.dead) >= 47


def test_strongest_rows_are_those_of_the_given_numbers_and_labels(planted, learned):
    rows, labels = planted
    found = judge(rows, learned[0], nulls="none", labels=labels, numbers=[10 * i for i in range(700)], total=9000)
    z = learned[0].encode(rows).dense() * learned[0].normaliser.scale
    latents = found.groups[0].saes[0].latents
    for latent in range(48):
        top = z[:, latent].max()
        if top > 0:
            strongest = latents.strongest[latent][0]
            assert strongest.activation == pytest.approx(float(top), rel=1e-4)
            assert strongest.label == int(labels[strongest.row // 10])
        else:
            assert latent in latents.dead and latents.strongest[latent] == ()
    assert found.rows.given == 9000 and found.rows.used == 700


@pytest.mark.parametrize("kind", ["300 of them", "negative", "huge", "beyond int64", "a list"])
def test_labels_are_any_whole_numbers(planted, learned, kind):
    rows = planted[0]
    index = torch.arange(700) % 300
    labels = {
        "300 of them": index,
        "negative": index - 1000,
        "huge": index * 10**12,
        "beyond int64": index.numpy().astype(np.uint64) + np.uint64(2**63),
        "a list": index.tolist(),
    }[kind]
    found = judge(rows, learned[0], nulls="none", labels=labels)
    assert len(found.rows.classes) == 300
    classes = found.groups[0].saes[0].latents.classes
    assert {c for c in classes if c is not None} <= {int(label) for label in labels}
    assert json.loads(json.dumps(found.as_dict(), allow_nan=False))["rows"]["classes"][-1] == int(max(labels))


def test_classes_stand_beside_permuted_labels_and_a_random_host(planted, learned):
    rows, labels = planted
    random = torch.randn(700, WIDTH, generator=torch.Generator().manual_seed(6))
    sae = judge(rows, learned[0], labels=labels, random_rows=random, **QUICK).groups[0].saes[0]
    real = sae.number("class_precision")
    assert real > 3 * sae.number("class_precision", "permuted_labels")
    assert real > 3 * sae.number("class_precision", "on_random_rows")
    assert sae.number("variance_explained", "random_host") < sae.number("variance_explained")


def test_unseen_rows_of_the_callers_are_the_only_ones_that_count(planted, learned):
    rows, labels = planted
    found = judge(
        rows[:500], learned[0], held_out=rows[500:], labels=labels[:500], held_out_labels=labels[500:], **QUICK
    )
    assert (found.rows.fit, found.rows.held_out) == (500, 200) and "never saw those" in found.rows.said
    assert "counts by its training rows" not in found.groups[0].budget.said


def test_sinks_are_left_out_and_said(planted, learned):
    rows = planted[0].clone()
    rows[[3, 77]] *= 500
    found = judge(rows, learned[0], nulls="none")
    assert found.rows.outliers == 2 and any("2 rows more than ten times" in note for note in found.notes)


def test_saes_of_different_shapes_are_judged_apart(planted, learned):
    other = of_directions(planted[0], torch.randn(30, WIDTH, generator=torch.Generator().manual_seed(1)))
    found = judge(planted[0], [learned[0], other, learned[1]], nulls="none")
    assert [len(group.saes) for group in found.groups] == [2, 1]
    with pytest.raises(InputError, match="2 shapes have a verdict each"):
        _ = found.verdict


def test_saes_of_one_shape_that_were_trained_on_other_rows_are_no_seeds(planted, learned):
    rows = planted[0]
    other = train("topk", TopK(WIDTH, 48, k=3), torch.randn(500, WIDTH), TrainConfig(steps=3, batch=64), seed=7)
    found = judge(rows, [learned[0], other, learned[1]], nulls="none")
    assert [[sae.name for sae in group.saes] for group in found.groups] == [["SAE 1", "SAE 3"], ["SAE 2"]]
    assert found.groups[0].seeds_why == "their inputs are centred and scaled alike, as by the same rows"
    assert found.groups[1].seeds_why == "" and any(
        note.startswith("SAE 1 and SAE 2 have one shape and are judged each on its own: their inputs are centred and")
        and "`seeds = True` (`--seeds`)" in note
        for note in found.notes
    )
    with pytest.raises(InputError, match="2 SAEs judged apart have a verdict each"):
        _ = found.verdict
    said = judge(rows, [learned[0], other], nulls="none", seeds=True)
    assert len(said.groups) == 1 and said.groups[0].seeds_why.startswith("the caller says")
    apart = judge(rows, learned[:2], nulls="none", seeds=False)
    assert len(apart.groups) == 2 and any(note.endswith("as the caller says.") for note in apart.notes)
    with pytest.raises(ConfigError, match="seeds"):
        judge(rows, learned, seeds="yes")


def as_told(layer, steps=None, **origin):
    return Loaded(
        Layer(layer.architecture, layer.sae, Normaliser(torch.zeros(WIDTH), 1.0, 0.0)),
        None,
        "layer",
        steps,
        origin=origin,
    )


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        ({}, {}, False),
        ({"dataset_path": "pile", "hook_name": "h8"}, {"dataset_path": "pile", "hook_name": "h8"}, True),
        ({"dataset_path": "pile", "hook_name": "h8"}, {"dataset_path": "pile", "hook_name": "h9"}, False),
        ({"dataset_path": "pile"}, {"dataset_path": "c4"}, False),
        ({"dataset_path": "pile"}, {}, False),
        ({"dataset_path": "pile", "steps": 9}, {"dataset_path": "pile", "steps": 10}, False),
    ],
)
def test_seeds_are_told_by_what_files_say_of_their_rows(learned, one, other, together):
    first, second = as_told(learned[0], **one), as_told(learned[1], **other)
    groups, notes = grouped([("a", first), ("b", second)], None)
    assert (len(groups) == 1) == together and bool(notes) != together
    assert len(grouped([("a", first), ("b", second)], True)[0]) == 1


def test_what_files_say_of_their_rows_is_read(learned, tmp_path):
    save_layer(learned[0], tmp_path / "layer.safetensors")
    assert loaded(tmp_path).origin == {}
    (tmp_path / "training.json").write_text(json.dumps({"source": "rows.npy", "seed": 3, "steps": 7}))
    assert loaded(tmp_path).origin == {"source": "rows.npy"} and loaded(tmp_path / "layer.safetensors").steps == 7
    saelens.write(learned[0], tmp_path / "lens", {"dataset_path": "mine", "hook_name": "blocks.1"})
    assert loaded(tmp_path / "lens").origin == {"dataset_path": "mine", "hook_name": "blocks.1"}


def test_class_measures_under_shuffled_labels_have_an_interval_over_shuffles(planted, learned):
    rows, labels = planted
    sae = judge(rows, learned[0], nulls="none", labels=labels).groups[0].saes[0]
    shuffled = {n.measure: n for n in sae.numbers if n.name == "permuted_labels"}
    one = shuffled["class_precision"]
    assert one.low < one.value < one.high and one.n == 40
    assert sae.number("class_precision") > one.high, "beyond what 95% of the shuffles give"
    real = next(n for n in sae.numbers if n.name == "none" and n.measure == "class_precision")
    assert np.isnan(real.low) and json.loads(json.dumps(judge(rows, learned[0], nulls="none").as_dict()))


def test_an_interval_over_shuffles_is_their_middle():
    values = [*range(1, 41), float("nan")]
    found = Shuffled.of([float(value) for value in values])
    assert (found.mean, found.n) == (20.5, 40) and found.low == pytest.approx(1.975) and found.high == 39.025
    alone = Shuffled.of([0.5, float("nan")])
    assert alone.mean == 0.5 and np.isnan([alone.low, alone.high]).all() and Shuffled.of([]).n == 0


def test_the_memorising_bound_counts_where_the_number_of_training_rows_is_known(planted, learned):
    found = judge(planted[0], learned[0], trained_on=50, **QUICK)
    assert found.verdict.word == "floor" and found.verdict.best_floor == "memorising"


def test_the_same_seed_gives_the_same_judgement(planted, learned):
    one, other = (judge(planted[0], learned[0], null_steps=5, most_rows=400).as_dict() for _ in range(2))
    assert one == other and one["rows"]["used"] == 400 and one["rows"]["given"] == 700


@pytest.mark.parametrize("power", [-80, -43, 62, 90])
def test_floors_are_the_same_whatever_the_rows_are_multiplied_with(planted, power):
    """The directions of the SAE stay, and its normaliser goes with the rows."""
    sunk = torch.cat([planted[0], 40 * planted[0][:2]])
    directions = torch.cat([torch.eye(WIDTH), planted[0][:9]])
    found = []
    for rows in (sunk, torch.ldexp(sunk, torch.tensor(power))):
        result = judge(rows, of_directions(rows, directions), held_out=rows[-300:], nulls="none")
        found.append((result.rows.outliers, result.verdict.word, result.notes, sizes_of(result)))
    assert found[0][:3] == found[1][:3]
    assert found[1][3] == pytest.approx(found[0][3], abs=1e-5)


def sizes_of(result):
    return [number.value for number in result.groups[0].saes[0].numbers]


def bad_row(rows):
    rows = rows.clone()
    rows[41, 2] = float("nan")
    return rows


REFUSED = {
    "NaN": (lambda r, s: judge(bad_row(r), s), NumericError, "row 41 holds NaN"),
    "NaN under a number": (
        lambda r, s: judge(bad_row(r), s, numbers=range(1000, 1700)), NumericError, "row 1041 holds NaN",
    ),
    "another width": (lambda r, s: judge(r[:, :20], s), InputError, "reads rows of width 24, the rows have width 20"),
    "none": (lambda r, s: judge(r[:0], s), InputError, "rows are empty"),
    "few": (lambda r, s: judge(r[:30], s), InputError, "expected at least 50"),
    "three axes": (lambda r, s: judge(r.view(70, 10, 24), s), InputError, "expected .n, d."),
    "whole numbers": (lambda r, s: judge(r.long(), s), InputError, "expected floating point"),
    "a list": (lambda r, s: judge(r.tolist(), s), InputError, "of type list"),
    "rows that do not vary": (lambda r, s: judge(torch.ones(100, 24), s), NumericError, "all the same"),
    "rows too large to be added up": (lambda r, s: judge(r * 1e34, s), NumericError, "largest number of the rows is 1"),
    "rows too small to have digits": (lambda r, s: judge(r * 1e-36, s), NumericError, "expected 1e-30 to 1e.30"),
    "no SAE": (lambda r, s: judge(r, []), InputError, "no SAE was given"),
    "the same SAE twice": (lambda r, s: judge(r, [s, s]), InputError, "are the same SAE"),
    "no SAE but a number": (lambda r, s: judge(r, 7), InputError, "SAE 1 is of type int"),
    "too few labels": (lambda r, s: judge(r, s, labels=[1, 2]), InputError, "one label a row"),
    "labels in between": (lambda r, s: judge(r, s, labels=np.full(700, 0.5)), InputError, "expected whole numbers"),
    "labels in words": (lambda r, s: judge(r, s, labels=["cat"] * 700), InputError, "expected whole numbers"),
    "other nulls": (lambda r, s: judge(r, s, nulls="some"), ConfigError, "none, quick, full"),
    "steps of no nulls": (lambda r, s: judge(r, s, nulls="none", null_steps=3), ConfigError, "left out"),
    "another host's width": (
        lambda r, s: judge(r, s, random_rows=r[:, :9]), InputError, "random_rows have width 9, rows have width 24",
    ),
    "other examples": (lambda r, s: judge(r, s, random_rows=r[:9]), InputError, "the same examples in the same order"),
}  # fmt: skip


def of_weights(make, layer, **changes):
    """An SAE of another kind with the directions, encoder and biases of `layer`."""
    sae = make(WIDTH, 48)
    state = sae.state_dict()
    shared = {name: value for name, value in layer.sae.state_dict().items() if name in state}
    sae.load_state_dict(state | shared | {name: torch.full_like(state[name], v) for name, v in changes.items()})
    return Loaded(Layer(type(sae).__name__.lower(), sae, layer.normaliser), None, "layer", None)


RELU, ANOTHER_K = partial(ReluL1, k=3), partial(TopK, k=5)
TWINS = {
    "a threshold that cuts": (RELU, {}, partial(JumpReLU, k=3), {"theta": 0.05}, False),
    "a threshold that cuts nothing": (RELU, {}, partial(JumpReLU, k=3), {"theta": 0.0}, True),
    "another k": (partial(TopK, k=3), {}, ANOTHER_K, {}, False),
    "another bias of the encoder": (RELU, {}, RELU, {"b_enc": 0.2}, False),
    "itself": (ANOTHER_K, {}, ANOTHER_K, {}, True),
}


@pytest.mark.parametrize("case", TWINS)
def test_one_sae_is_what_has_the_same_directions_and_gives_the_same_back(planted, learned, case):
    first, set_, second, other, expected = TWINS[case]
    one, two = of_weights(first, learned[0], **set_), of_weights(second, learned[0], **other)
    assert same(one, two, planted[0]) == same(two, one, planted[0]) == expected


@pytest.mark.parametrize("half", [None, torch.bfloat16])
def test_one_sae_in_two_forms_is_one(planted, learned, tmp_path, half):
    saelens.write(learned[0], tmp_path)
    if half:
        file = tmp_path / saelens.WEIGHTS
        save_file({name: value.to(half) for name, value in load_file(file).items()}, file)
    with pytest.raises(InputError, match=r"SAE 1 and .* are the same SAE.*give it once"):
        judge(planted[0], [learned[0], tmp_path], nulls="none")
    assert not same(Loaded(learned[0], None, "layer", None), Loaded(learned[1], None, "layer", None), planted[0])


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_judged_is_refused_in_one_line(planted, learned, case):
    call, error, says = REFUSED[case]
    with pytest.raises(error, match=says) as raised:
        call(planted[0], learned[0])
    assert "\n" not in str(raised.value)
