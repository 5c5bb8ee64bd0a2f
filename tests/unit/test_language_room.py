"""What is spliced into a language model, probed, foretold and taken away, on a host of a few hundred numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from tiny_language import HOOK, TinyLanguage

from analysis.run.language.concepts import FEWEST as FEWEST_OF_A_SORT
from analysis.run.language.concepts import Coder, absorbed, perturbed, samples
from analysis.run.language.latents import Read, ablations, column, drawn, patterns, read, read_stored
from analysis.run.language.probing import FEWEST, questions
from analysis.run.language.scores import ablated, foretold, probed
from analysis.run.language.splices import Contexts, contexts, controls, losses, of_control, of_layer, spliced
from analysis.run.text.contexts import Contexts as Texts
from analysis.run.text.kinds import LETTERS, first_letter
from sae.architectures.topk import TopK
from sae.errors import InputError
from sae.evaluations.downstream_loss import downstream_loss
from sae.layer import Layer
from sae.normaliser import Normaliser
from sae.records import Codes

WIDTH, VOCABULARY = 8, 12


@pytest.fixture(scope="module")
def host():
    return TinyLanguage(VOCABULARY, WIDTH)


@pytest.fixture(scope="module")
def tokens(host):
    return host.sample(30, 12)


def all_kept(tokens: torch.Tensor) -> Contexts:
    kept = torch.ones(tokens.shape, dtype=torch.bool)
    kept[:, 0] = False
    return Contexts(tokens, torch.arange(len(tokens)), kept)


def layer_of(directions: torch.Tensor, k: int, mean: torch.Tensor | None = None) -> Layer:
    """A TopK SAE that reads what it writes."""
    sae = TopK(directions.shape[1], len(directions), k=k)
    with torch.no_grad():
        sae.W_dec.copy_(torch.nn.functional.normalize(directions, dim=1))
        sae.W_enc.copy_(sae.W_dec if sae.W_enc.shape == sae.W_dec.shape else sae.W_dec.T)
        sae.b_enc.zero_()
        sae.b_dec.zero_()
    middle = torch.zeros(directions.shape[1]) if mean is None else mean
    return Layer("topk", sae, Normaliser(middle, 1.0, math.nan))


def test_contexts_are_spaced_evenly_among_those_that_have_rows():
    tokens = torch.arange(40).view(10, 4)
    rows = torch.tensor([number * 4 + place for number in (1, 3, 5, 7, 9) for place in (1, 3)])
    found = contexts(tokens[1::2], torch.arange(10)[1::2], rows, 3)
    assert found.numbers.tolist() == [1, 5, 9] and found.tokens[:, 0].tolist() == [4, 20, 36]
    assert found.kept.tolist() == [[False, True, False, True]] * 3
    assert len(contexts(tokens[::2], torch.arange(10)[::2], torch.zeros(0, dtype=torch.long), 3).tokens) == 0
    assert [len(part.tokens) for part in found.batches(2)] == [2, 1]


def test_a_splice_of_the_rows_themselves_costs_nothing_and_one_of_their_mean_all_of_it(host, tokens):
    given = all_kept(tokens)
    rows = host.read(tokens)[given.kept]
    mean = rows.mean(0)
    made = {"same": lambda rows: rows, "mean": lambda rows: mean.expand_as(rows)}
    seen: list[str] = []
    parts = list(losses(host, HOOK, given, made, mean, lambda name, rows, back: seen.append(name)))
    same, middle = (downstream_loss([part[name] for part in parts]) for name in made)
    assert same.delta.value == pytest.approx(0, abs=1e-12) and same.recovered_mean.value == pytest.approx(1)
    assert middle.delta.value > 0.01 and middle.recovered_mean.value == pytest.approx(0, abs=1e-6)
    assert seen == [*made] * len(parts)


def test_places_that_are_not_kept_stay_as_they_are(host, tokens):
    rows = host.read(tokens)
    kept = all_kept(tokens).kept
    changed = spliced(rows, kept, torch.zeros_like)
    assert torch.equal(changed[:, 0], rows[:, 0]) and not changed[:, 1:].any()


@pytest.mark.parametrize("name", ["pca", "neurons", "random_dictionary", "matched_dictionary"])
def test_controls_give_all_back_with_as_many_numbers_as_a_row_has_and_less_with_fewer(host, tokens, name):
    rows = host.read(tokens).flatten(0, 1).float()
    control = controls(rows, 64, 0)[name]
    errors = [float((of_control(control, k)(rows) - rows).pow(2).sum()) for k in (WIDTH, 4, 1)]
    spread = float((rows - rows.mean(0)).pow(2).sum())
    assert errors[0] < 1e-3 * spread < errors[1] < errors[2] <= spread * 1.001


def text_of(documents: int, places: int = 10) -> Texts:
    """Documents of one context each, a capital at every other word, of every other year."""
    pieces = [" Anna", " went", " home", " and", " Paul", " saw", " it", "."]
    ids = np.tile(np.arange(places) % 8, (documents, 1)).astype(np.int32)
    facts = tuple({"year": 1850 + 100 * (number % 2), "party": ""} for number in range(documents))
    return Texts("own", pieces, ids, 0, np.arange(documents, dtype=np.int32), np.full(documents, places), facts)


def test_questions_are_asked_of_kept_rows_as_many_with_either_answer():
    text = text_of(300)
    held = np.arange(300) % 2 == 1
    held[::4] = True
    marks = {"train": ~held, "held_out": held}
    kept = {split: np.flatnonzero(np.repeat(mark, 10) & (np.arange(3000) % 10 != 0)) for split, mark in marks.items()}
    kept["train"] = kept["train"][:-5]
    found, short = questions(text, held, kept, 200, np.random.default_rng(0))
    assert found and short, "some have too few rows"
    for question in found.values():
        for side, split, most in ((question.train, "train", 200), (question.held_out, "held_out", 100)):
            assert 2 * FEWEST <= len(side.at) <= most and int(side.labels.sum()) * 2 == len(side.at)
            assert int(side.at.max()) < len(kept[split])
            assert (side.documents == torch.from_numpy(kept[split][side.at] // 10)).all()


def test_a_latent_that_is_the_answer_has_no_probe_loss_and_shuffled_labels_have_all_of_it():
    text = text_of(300)
    held = np.arange(300) % 2 == 1
    kept = {"train": np.flatnonzero(np.repeat(~held, 10)), "held_out": np.flatnonzero(np.repeat(held, 10))}
    found, _ = questions(text, held, kept, 200, np.random.default_rng(0))
    question = {"capitalised": found["capitalised"]}
    ids = torch.from_numpy(text.ids.reshape(-1)).long()
    rows = {split: torch.eye(8)[ids[torch.from_numpy(kept[split])]] for split in kept}
    lines = list(probed(question, rows, {"none": Codes.from_dense, "neurons": lambda rows: rows.flip(1) * 0 + 1}, 0))
    by = {(control, measure): value for control, measure, value, _ in lines}
    assert by["none", "probe_loss_5"] < 0.2 < by["permuted_labels", "probe_loss"]
    assert by["activations", "probe_loss"] < 0.1
    assert by["neurons", "probe_loss"] == pytest.approx(math.log(2), abs=1e-3), "columns that say nothing"
    assert by["none", "probe_loss"] == by["none", "probe_loss_capitalised"]


def split_of(documents: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Every other document held out, and the ids of all rows of either split."""
    held = np.arange(documents) % 2 == 1
    return held, {"train": np.flatnonzero(np.repeat(~held, 10)), "held_out": np.flatnonzero(np.repeat(held, 10))}


def test_rows_of_a_sort_are_drawn_where_both_sides_have_enough():
    text = text_of(100)
    held, kept = split_of(100)
    kept["held_out"] = kept["held_out"][kept["held_out"] % 10 != 2]  # the first "home" of a document
    kept["train"] = kept["train"][10:]
    found = samples(text, held, kept, first_letter, 60, np.random.default_rng(0))
    for split, most in (("train", 60), ("held_out", 30)):
        letters, counts = found[split].sorts.unique(return_counts=True)
        assert [LETTERS[letter] for letter in letters] == ["a", "i", "p", "s", "w"], "no h is held out"
        assert counts.max() == most and counts.min() >= FEWEST_OF_A_SORT
        ids = torch.from_numpy(kept[split])[found[split].at]
        first = [LETTERS.index(text.pieces[text.ids.reshape(-1)[row]].strip()[0].lower()) for row in ids.tolist()]
        assert first == found[split].sorts.tolist()


def test_a_letter_whose_word_has_a_latent_of_its_own_is_absorbed_and_a_latent_a_kind_carries_it():
    """Rows say which letter a token begins with, and on some that the token is a name. One SAE has a latent for each
    letter; of another the latent for `a` is silent on names, and a latent of their own does its work."""
    text = text_of(400)
    held, kept = split_of(400)
    letters = torch.tensor([LETTERS.find(piece.strip()[0].lower()) for piece in text.pieces])
    draw = torch.Generator().manual_seed(0)
    rows = {}
    for split, some in kept.items():
        of_row = letters[torch.from_numpy(text.ids.reshape(-1)[some]).long()]
        name = (of_row == 0) & (torch.rand(len(some), generator=draw) < 0.05)
        noise = 0.01 * torch.randn(len(some), 28, generator=draw)
        rows[split] = torch.cat([torch.eye(27)[of_row] * 3, name[:, None].float()], 1) + noise
    drawn = samples(text, held, kept, first_letter, 400, np.random.default_rng(0))
    directions = torch.eye(28) * 3
    directions[27, 0], directions[27, 27] = 3, 1

    def encode(given: torch.Tensor, absorbs: bool) -> Codes:
        codes = (given > 1).float()
        codes[:, 27] = 0
        if absorbs:
            name = given[:, 27] > 0.5
            codes[name] = torch.eye(28)[27]
        return Codes.from_dense(codes)

    found = {}
    for absorbs in (False, True):
        coder = Coder(lambda given, absorbs=absorbs: encode(given, absorbs), directions)
        found[absorbs] = {(c, m): value for c, m, value, _ in absorbed(drawn, rows, coder, 0)}
        moved = {c: value for c, _, value, _ in perturbed(drawn, rows, {"": coder}, 0)}
        assert moved[""] > 0.3 and set(moved) == {"", "random_latents"}
    assert found[False]["", "absorption"] == 0 == found[False]["", "absorption_silent"]
    assert 0 < found[True]["", "absorption"] <= found[True]["", "absorption_silent"] < 0.5
    assert found[True]["random_direction", "absorption"] < found[True]["", "absorption"]


def test_too_few_sorts_are_no_number():
    text = text_of(10)
    held, kept = split_of(10)
    drawn = samples(text, held, kept, first_letter, 60, np.random.default_rng(0))
    rows = {split: torch.zeros(len(some), 3) for split, some in kept.items()}
    coder = Coder(Codes.from_dense, torch.eye(3))
    assert len(drawn["train"].at) == 0
    assert not [*absorbed(drawn, rows, coder, 0)] and not [*perturbed(drawn, rows, {"": coder}, 0)]


class Letters:
    """A host whose activations say which token stands at a place, and which before it."""

    tokeniser = "none"

    def hooks(self):
        return {HOOK: 2 * VOCABULARY}

    def read(self, contexts, hook):
        own = torch.eye(VOCABULARY)[contexts]
        before = torch.cat([torch.zeros_like(own[:, :1]), own[:, :-1]], 1)
        return torch.cat([own, before], -1)

    def go_on(self, contexts, activations, hook):
        return 3 * activations[..., :VOCABULARY] + activations[..., VOCABULARY:]


def random_tokens(contexts: int, seed: int) -> torch.Tensor:
    return torch.randint(0, VOCABULARY, (contexts, 20), generator=torch.Generator().manual_seed(seed))


def test_a_latent_of_one_token_is_foretold_by_that_token():
    host, layer = Letters(), layer_of(torch.eye(2 * VOCABULARY), 2)
    made_of, held = (read(host, HOOK, layer, all_kept(random_tokens(40, seed))) for seed in (0, 1))
    draw = torch.Generator().manual_seed(0)
    own = patterns(host, HOOK, layer, made_of, held, 3, (0,), draw)
    assert own.patterns == ((3,),) and own.score.precision == own.score.recall == 1
    before = patterns(host, HOOK, layer, made_of, held, VOCABULARY + 3, (0,), draw)
    assert before.patterns == ((3, None),) and before.score.precision == before.score.recall == 1
    lines = {(measure, control): value for measure, value, _, control in foretold([own, before])}
    assert lines["pattern_f1", ""] == 1 > lines["pattern_f1", "single_tokens"]
    assert lines["pattern_precision", "shuffled_firing"] == pytest.approx(1 / VOCABULARY, abs=0.04)
    assert not foretold_nothing()


def foretold_nothing():
    return [value for _, value, n, _ in foretold([]) if value or n]


def test_kept_rows_say_of_contexts_what_the_host_does():
    host, layer = Letters(), layer_of(torch.eye(2 * VOCABULARY), 2)
    tokens = random_tokens(9, 3)
    whole = read(host, HOOK, layer, all_kept(tokens))
    every = host.read(tokens, HOOK).flatten(0, 1)
    ids = all_kept(tokens).kept.flatten().nonzero().flatten()
    some = contexts(tokens, torch.arange(9), ids, 3)
    found = read_stored(layer, some, every[ids], ids)
    for latent in range(2 * VOCABULARY):
        assert torch.equal(found.latent(latent), whole.latent(latent)[some.numbers])
    with pytest.raises(InputError, match="no row among those"):
        read_stored(layer, some, every[ids[:-40]], ids[:-40])


def test_latents_are_drawn_of_those_that_fire_in_enough_contexts():
    host, layer = Letters(), layer_of(torch.eye(2 * VOCABULARY), 2)
    tokens = random_tokens(12, 0)
    tokens[tokens == 5] = 6
    found = drawn(read(host, HOOK, layer, all_kept(tokens)), 100, torch.Generator().manual_seed(0))
    assert 5 not in found and VOCABULARY + 5 not in found and 6 in found and len(set(found.tolist())) == len(found)


def test_taking_a_latent_away_moves_the_logits_that_hang_on_it():
    host, layer = Letters(), layer_of(torch.eye(2 * VOCABULARY), 2)
    found = read(host, HOOK, layer, all_kept(random_tokens(40, 0)))

    def go_on(tokens: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        return host.go_on(tokens, rows, HOOK)

    effects = ablations(go_on, found, layer, torch.zeros(2 * VOCABULARY), 30, 4, 0)
    lines = {(measure, control): value for measure, value, _, control in ablated(effects)}
    assert lines["ablation_sparsity", ""] == pytest.approx(1 / (4 * VOCABULARY)), "one logit at one place"
    assert lines["ablation_sparsity", "random_direction"] > 3 * lines["ablation_sparsity", ""]
    assert {control for _, control in lines} == {"", "random_direction", "neurons"}
    silent = Read(found.contexts, Codes(found.codes.values * 0, found.codes.indices, found.codes.n_latents),
                  found.activations)  # fmt: skip
    assert ablations(go_on, silent, layer, torch.zeros(2 * VOCABULARY), 30, 4, 0) is None


def test_a_column_is_that_of_the_dense_codes_and_an_sae_is_a_splice():
    layer = layer_of(torch.eye(6), 2, torch.full((6,), 0.5))
    rows = torch.rand(9, 6, generator=torch.Generator().manual_seed(0))
    codes = layer.encode(rows)
    assert torch.equal(column(codes, 4), codes.dense()[:, 4])
    assert torch.equal(of_layer(layer)(rows), layer.decode(codes))
