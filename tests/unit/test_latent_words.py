"""What a latent fires on, and the name that a rule gives it or does not."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from analysis.plan.language_artefacts import looks
from analysis.run.language.splices import Contexts
from analysis.run.language.words import Lexicon, examples, stem, top_words
from analysis.run.text import contexts as cut
from sae.errors import ConfigError

PIECES = [" ship", " ships", "Ship", " of", " 1873", " lake", ",", " runs", " Rome", " sail", " dust", " nine"]
SHAPE = (24, 20)


@pytest.fixture(scope="module")
def lexicon():
    draw = np.random.default_rng(3)
    ids = draw.integers(len(PIECES), size=SHAPE).astype(np.int32)
    document = np.repeat(np.arange(8), 3).astype(np.int32)
    text = cut.Contexts("own", PIECES, ids, 0, document, np.full(8, 60), tuple({} for _ in range(8)))
    kept = torch.ones(SHAPE, dtype=torch.bool)
    kept[:, 0] = False
    given = Contexts(torch.from_numpy(ids).long(), torch.arange(24), kept)
    return Lexicon.of(text, np.ones(24, bool), given)


def firing(lexicon, fires):
    return fires.float() * lexicon.contexts.kept


def test_a_word_in_all_its_forms_names_a_latent(lexicon):
    values = firing(lexicon, torch.isin(lexicon.contexts.tokens, torch.tensor([0, 1, 2])))
    found = lexicon.name(values)
    assert found and found.name.lower().strip("“”") in ("ship", "ships") and found.accuracy == 1 > found.by_chance
    assert set(top_words(values, lexicon)) == {"ship", "ships", "Ship"}


def test_a_question_names_what_no_word_does(lexicon):
    found = lexicon.name(firing(lexicon, lexicon.questions["comma next"]))
    assert found and found.name == "comma next" and found.accuracy == 1


def test_firing_by_chance_and_rare_firing_have_no_name(lexicon):
    draw = torch.Generator().manual_seed(1)
    assert lexicon.name(firing(lexicon, torch.rand(SHAPE, generator=draw) < 0.1)) is None
    rare = torch.zeros(SHAPE)
    rare[3, 5] = 1
    assert lexicon.name(rare) is None and top_words(torch.zeros(SHAPE), lexicon) == []


def test_a_rule_far_wider_than_its_latent_is_no_name(lexicon):
    draw = torch.Generator().manual_seed(2)
    commas = lexicon.questions["comma next"] & (torch.rand(SHAPE, generator=draw) < 0.15)
    assert lexicon.name(firing(lexicon, commas)) is None


def test_documents_that_choose_a_name_do_not_judge_it(lexicon):
    assert lexicon.first.view(8, 3).all(1).tolist() == (~lexicon.first).view(8, 3).any(1).logical_not().tolist()
    assert 0 < int(lexicon.first.sum()) < 24


def test_examples_are_of_different_contexts_the_strongest_first(lexicon):
    values = torch.zeros(SHAPE)
    values[4, 7], values[4, 8], values[9, 2] = 3, 2, 5
    tokens = lexicon.contexts.tokens
    found = examples(values, lexicon)
    assert [one[1] for one in found] == [PIECES[tokens[9, 2]], PIECES[tokens[4, 7]]]
    assert found[0][0] == "".join(PIECES[one] for one in tokens[9, :2])


def test_stems_fold_endings_and_capitals_and_leave_short_words_alone():
    assert stem(" Taxes") == stem("taxed") == stem("tax") == "tax"
    assert stem(" is") == "is" and stem(" -- ") == "" and stem("1873") == "1873"


def test_settings_are_read_by_experiment_and_mistakes_are_named_with_their_line(tmp_path):
    assert looks(tmp_path, "any").contexts == 200
    file = tmp_path / "looks.toml"
    file.write_text('[mine]\ncontexts = 7\n[mine.web]\nvariants = ["a", "b"]\n')
    assert looks(tmp_path, "mine").web.variants == ("a", "b") and looks(tmp_path, "other").contexts == 200
    for text, told in (
        ("[mine]\n\ncontext = 7\n", r"looks.toml:3: .*unknown key 'context'"),
        ("[mine.steering]\nstrengths = [2.0, 1.0]\n", r"looks.toml:2: .*smallest first"),
        ("[mine.web]\nnodes = 301\n", r"looks.toml:2: .*nodes = 301: must be in 2..300"),
    ):
        file.write_text(text)
        with pytest.raises(ConfigError, match=told):
            looks(tmp_path, "mine")
