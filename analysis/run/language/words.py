"""What a latent fires on, in words: its tokens, examples, and a name where a rule foretells it. No language model.

A rule is a question of `analysis.run.text.tasks` (answered yes at a token), or a word in whatever form. The one with
the best balanced accuracy on half of the documents names a latent, if it holds on the other half: better than when the
firing of whole contexts is dealt to other contexts, in all of 99 deals.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Int
from torch import Tensor

from analysis.run.datasets._dataset import Text
from analysis.run.language.latents import Read
from analysis.run.language.splices import Contexts
from analysis.run.text.tasks import answers
from analysis.run.text.tokenisers import escaped

# Places at which a latent is strongest, of which its words are counted.
STRONGEST = 50
WORDS, EXAMPLES, BEFORE, AFTER = 5, 3, 8, 5
# A name has to foretell as well on documents that did not choose it, and not fire far beyond its latent: a rule for
# all capitals foretells "Congress" well, and is no name of it.
LEAST, PRECISE = 0.75, 0.25
DEALS = 99
# Fewer contexts cannot be dealt in enough ways, fewer firings say nothing.
FEWEST_CONTEXTS, FEWEST_FIRINGS = 6, 8
_ENDING = re.compile(r"(?:'s|’s|ies|ing|ed|es|s|y|e)$")
STEM = 3


@dataclass(frozen=True)
class Named:
    """A name, and how well it foretells firing on documents that did not choose it."""

    name: str
    accuracy: float
    """Balanced; 0.5 is chance."""
    by_chance: float
    """The best of the deals."""


@dataclass(frozen=True)
class Lexicon:
    """What is known of the tokens of held-out contexts, for whichever latent."""

    contexts: Contexts
    pieces: list[str]
    """(vocabulary,) text of each token id."""
    questions: dict[str, Bool[Tensor, "contexts places"]]
    stems: Int[Tensor, "contexts places"]
    """Which word each token is, in whatever form; -1 for none."""
    words: list[str]
    first: Bool[Tensor, " contexts"]
    """Contexts that choose a name; the others judge it. Those of a document are on one side."""

    @classmethod
    def of(cls, text: Text, held_out: np.ndarray[Any, Any], contexts: Contexts) -> Lexicon:
        """Every question answered, at every token; a question that is not asked of a token is not answered yes."""
        shape, places = contexts.tokens.shape, text.places
        wanted = np.zeros(len(held_out), bool)
        wanted[np.isin(text.document, text.document[contexts.numbers.numpy()])] = True
        at = np.full(len(held_out), -1)
        at[contexts.numbers.numpy()] = np.arange(len(contexts.numbers))
        questions = {}
        for name, found in answers(text.stretches(wanted & held_out)).items():
            context, place = np.divmod(found.rows[found.labels], places)
            there = at[context] >= 0
            yes = torch.zeros(shape, dtype=torch.bool)
            yes[torch.from_numpy(at[context[there]]), torch.from_numpy(place[there])] = True
            if bool(yes.any()):
                questions[name.replace("_", " ")] = yes
        pieces = list(text.pieces)
        seen, back = torch.unique(contexts.tokens, return_inverse=True)
        own = [stem(pieces[token]) for token in seen.tolist()]
        words = sorted(set(own) - {""})
        number = {word: at for at, word in enumerate(words)} | {"": -1}
        stems = torch.tensor([number[word] for word in own])[back]
        documents = torch.from_numpy(np.asarray(text.document)[contexts.numbers.numpy()].astype(np.int64))
        alone = torch.unique(documents)
        side = torch.searchsorted(alone, documents) if len(alone) > 1 else torch.arange(len(documents))
        return cls(contexts, pieces, questions, stems, words, side % 2 == 0)

    def name(self, values: Tensor) -> Named | None:
        """The name of a latent with these values (contexts, places), 0 at places not kept; None: it has none."""
        fires = values > 0
        judge = ~self.first
        if min(int(fires[side].sum()) for side in (self.first, judge)) < FEWEST_FIRINGS:
            return None
        if int(judge.sum()) < FEWEST_CONTEXTS:
            return None
        kept = self.contexts.kept
        best, chosen = "", None
        highest = 0.0
        for name, rule in self._rules(fires):
            accuracy, precision = _agree(rule[self.first], fires[self.first], kept[self.first])
            if precision >= PRECISE and accuracy > highest:
                best, chosen, highest = name, rule, accuracy
        if chosen is None:
            return None
        rule, own, counted = chosen[judge], fires[judge], kept[judge]
        accuracy, precision = _agree(rule, own, counted)
        draw = torch.Generator().manual_seed(0)
        deals = [_agree(rule, own[torch.randperm(len(own), generator=draw)], counted)[0] for _ in range(DEALS)]
        if accuracy < LEAST or precision < PRECISE or accuracy <= max(deals):
            return None
        return Named(best, accuracy, max(deals))

    def _rules(self, fires: Tensor) -> list[tuple[str, Tensor]]:
        """Words that it fires on most, then questions: of equals the word is taken."""
        mine = self.stems[fires & self.first[:, None]]
        common = Counter(mine[mine >= 0].tolist()).most_common(WORDS)
        words = [(self._called(number, fires), self.stems == number) for number, _ in common]
        return [*words, *self.questions.items()]

    def _called(self, number: int, fires: Tensor) -> str:
        """A word in the form that a latent fires on most: “war”."""
        forms = Counter(self.contexts.tokens[fires & (self.stems == number)].tolist())
        return f"“{escaped(self.pieces[forms.most_common(1)[0][0]]).strip()}”"


def stem(piece: str) -> str:
    """A token without blanks, capitals and endings: `taxes`, ` Tax` and ` taxed` are one; empty for what is no word."""
    word = piece.strip().lower()
    if not re.search(r"\w", word):
        return ""
    short = _ENDING.sub("", word)
    return short if len(short) >= STEM else word


def _agree(rule: Tensor, fires: Tensor, kept: Tensor) -> tuple[float, float]:
    """Balanced accuracy of a rule, and the share of its tokens at which the latent fires."""
    said, fires = rule & kept, fires & kept
    both, own, foretold, places = int((said & fires).sum()), int(fires.sum()), int(said.sum()), int(kept.sum())
    if not own or own == places or not foretold:
        return 0.5, 0.0
    hits, silent = both / own, 1 - (foretold - both) / (places - own)
    return (hits + silent) / 2, both / foretold


def top_words(values: Tensor, lexicon: Lexicon) -> list[str]:
    """Pieces of the tokens at which a latent is strongest, the most frequent first, blanks and capitals alike."""
    flat = values.flatten()
    at = flat.topk(min(STRONGEST, int((flat > 0).sum()))).indices
    tokens = lexicon.contexts.tokens.flatten()[at].tolist()
    return [word for word, _ in Counter(escaped(lexicon.pieces[token]).strip() for token in tokens).most_common(WORDS)]


def examples(values: Tensor, lexicon: Lexicon, count: int = EXAMPLES) -> list[list[str]]:
    """Where it is strongest, a place a context: (before, token, behind)."""
    strongest, places = values.max(1)
    found = []
    for context in strongest.topk(min(count, int((strongest > 0).sum()))).indices.tolist():
        place = int(places[context])
        shown = [escaped(lexicon.pieces[token]) for token in lexicon.contexts.tokens[context].tolist()]
        before, behind = shown[max(0, place - BEFORE) : place], shown[place + 1 : place + 1 + AFTER]
        found.append(["".join(before), shown[place], "".join(behind)])
    return found


def described(found: Read, latent: int, lexicon: Lexicon) -> dict[str, Any]:
    """`name`, `words`, `examples` and `density` of a latent, as artefacts hold them."""
    values = found.latent(latent)
    named = lexicon.name(values)
    told = {} if named is None else {"accuracy": round(named.accuracy, 3), "by_chance": round(named.by_chance, 3)}
    return {
        "name": named.name if named else "",
        **told,
        "density": round(float((values > 0).sum()) / max(1, int(lexicon.contexts.kept.sum())), 6),
        "words": top_words(values, lexicon),
        "examples": examples(values, lexicon),
    }


def significant(value: float) -> float:
    """Five digits of a number, as files for pages hold it."""
    return float(f"{value:.5g}")
