"""A pretrained language model, through transformer_lens 4 (extra `lm`): SmolLM2 from a folder, or what the hub has.

Examples are contexts, whole numbers (contexts, places), the ids of its own tokeniser. Nothing is trained: `fit` says
that the pretrained weights are meant, and without it the weights are drawn from the seed, which is the random control.
What is saved of it says which of the two it is and of which files, and holds no weights.

Torch is loaded with the model, so that plans can ask for fingerprints without it.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from analysis.run.hosts import _model_files
from analysis.run.hosts._model_files import DEFAULT, TOKENISER, located
from analysis.system.extras import need
from sae.errors import ConfigError, DataError

if TYPE_CHECKING:
    from jaxtyping import Float, Int, Shaped
    from torch import Tensor

    from analysis.run.hosts._booted import Booted

PLACES = ("hook_resid_post", "hook_resid_pre", "hook_mlp_out")
PACKAGES = ("transformer_lens", "transformers", "tokenizers", "torch")


def fingerprint(options: Mapping[str, Any]) -> str:
    """A hash of what the model's files hold, for the options of a host `bridge`: another model, another run.

    Of a name of the hub the name with its revision; `NOT_HERE` where the folder is not there.
    """
    return _model_files.fingerprint(options.get("model", DEFAULT), options.get("revision"))


class Bridge:
    """See the module's docstring. `shape` is (places,), `n_classes` does not count.

    `model`: a folder as `transformers` saves it, below the project's or by its whole path, or a name of the hub.
    `revision`: of the hub, a branch, tag or commit.
    Raises ConfigError for contexts longer than the model's, DataError for a model that is not there.
    """

    def __init__(
        self, shape: tuple[int, ...], n_classes: int, seed: int, *, model: str = DEFAULT, revision: str | None = None
    ) -> None:
        self.files = located(model, revision)
        need("lm", f"the host bridge ({model})")
        from analysis.run.hosts._booted import config_of

        self.config = config_of(self.files)
        self.seed, self.trained = seed, False
        self.tokeniser = self.files.tokeniser
        if len(shape) != 1:
            raise ConfigError(f"the host bridge reads contexts of token ids, (places,); these are {shape}")
        self.places = shape[0]
        self._check_length(self.places)

    @property
    def longest(self) -> int:
        """Places of the longest context that the model reads; 0 where it does not say."""
        return int(getattr(self.config, "max_position_embeddings", 0) or 0)

    def hooks(self) -> dict[str, int]:
        """The residual stream after and before every block, and what its MLP adds to it."""
        width = int(self.config.hidden_size)
        return {f"blocks.{n}.{place}": width for place in PLACES for n in range(int(self.config.num_hidden_layers))}

    def fit(self, examples: Shaped[Tensor, "rows ..."], labels: Int[Tensor, " rows"] | None) -> None:
        """Take the pretrained weights."""
        self._take(trained=True)

    def _take(self, *, trained: bool) -> None:
        if trained != self.trained:
            self.trained = trained
            self.__dict__.pop("booted", None)

    @cached_property
    def booted(self) -> Booted:
        """The model with its hooks, loaded or drawn when it is first asked for."""
        from analysis.run.hosts._booted import Booted, drawn, tokeniser_of, weights_of
        from sae.seeding import derived

        model = weights_of(self.files) if self.trained else drawn(self.config, derived(self.seed, "host"))
        return Booted(model, tokeniser_of(self.files), self.files.source, offline=self.files.folder is not None)

    def read(self, contexts: Int[Tensor, "contexts places"], hook: str) -> Float[Tensor, "contexts places width"]:
        """What the model has at `hook`; computed no further. Raises NotFoundError for a hook that it does not have,
        DataError for contexts that are too long or of another tokeniser."""
        return self.read_several(contexts, [hook])[hook]

    def read_several(
        self, contexts: Int[Tensor, "contexts places"], hooks: Sequence[str]
    ) -> dict[str, Float[Tensor, "contexts places width"]]:
        """`read` of several hooks in one pass."""
        self._check(contexts, *hooks)
        return self.booted.read(contexts, hooks)

    def logits(self, contexts: Int[Tensor, "contexts places"]) -> Float[Tensor, "contexts places vocabulary"]:
        """What the model says comes next, with nothing replaced."""
        self._check(contexts)
        return self.booted.logits(contexts)

    def go_on(
        self, contexts: Int[Tensor, "contexts places"], activations: Float[Tensor, "contexts places width"], hook: str
    ) -> Float[Tensor, "contexts places vocabulary"]:
        """The logits with `activations` in place of the model's own at `hook`, differentiable in them.

        All in one pass: the logits of 1,000 tokens of SmolLM2 take 200 MB.
        """
        self._check(contexts, hook)
        if tuple(activations.shape) != (*contexts.shape, self.hooks()[hook]):
            raise DataError(
                f"activations of shape {tuple(activations.shape)} for contexts of {tuple(contexts.shape)}; expected a "
                f"row of {self.hooks()[hook]} for each place"
            )
        return self.booted.go_on(contexts, activations, hook)

    def embeddings(self) -> Float[Tensor, "vocabulary embedding"]:
        """That of each token."""
        return self.booted.embeddings()

    def read_embedded(
        self, tokens: Int[Tensor, " places"], embedded: Float[Tensor, "contexts places embedding"], hook: str
    ) -> Float[Tensor, "contexts places width"]:
        """What the model has at `hook` with these embeddings in place of those of `tokens`; differentiable in them."""
        return self.booted.read_embedded(tokens, embedded, hook)

    def activations(self, examples: Shaped[Tensor, "rows ..."], hook: str) -> Float[Tensor, "rows width"]:
        """`read`, a row for each place of each context."""
        return self.read(examples, hook).flatten(0, 1)

    def forward_to(self, examples: Shaped[Tensor, "rows ..."], hook: str) -> Float[Tensor, "rows width"]:
        """As `activations`: ids are no numbers to take a gradient in."""
        return self.activations(examples, hook)

    def forward_from(self, activations: Float[Tensor, "rows width"], hook: str) -> Float[Tensor, "rows vocabulary"]:
        """`go_on` from rows of whole contexts, in order, of the residual stream: nothing else says what came before.

        Raises DataError for other rows, ConfigError for a hook of another kind.
        """
        if len(activations) % self.places:
            raise DataError(f"{len(activations)} rows are no whole contexts of {self.places} places")
        if "hook_resid_" not in hook:
            raise ConfigError(f"{hook} is no place of the residual stream: `go_on` needs the contexts, too")
        rows = activations.reshape(-1, self.places, activations.shape[1])
        return self.go_on(rows.new_zeros(rows.shape[:2]).int(), rows, hook).flatten(0, 1)

    def logits_from(self, activations: Float[Tensor, "rows width"], hook: str) -> Float[Tensor, "rows vocabulary"]:
        """`forward_from`, without gradients."""
        return self.forward_from(activations.detach(), hook).detach()

    def state_dict(self) -> dict[str, Tensor]:
        """Which weights these are: pretrained or drawn, from which seed, of which files, with a hash of those drawn."""
        import torch

        weights = "" if self.trained else self._digest()
        return {
            "trained": torch.tensor([self.trained]),
            "seed": torch.tensor([self.seed]),
            "model": _as_tensor(self.files.fingerprint),
            "weights": _as_tensor(weights),
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Raises ValueError for the state of another model, seed, or of weights that are not drawn again as they were
        (other versions of torch or transformers); the caller knows the file."""
        lacking = {"trained", "seed", "model", "weights"} - set(state_dict)
        if lacking:
            raise ValueError(f"it holds no {', '.join(sorted(lacking))}, so it is of no host bridge")
        held = _as_text(state_dict["model"])
        if held != self.files.fingerprint:
            raise ValueError(
                f"it is of another model: {held}, and {self.files.model} is {self.files.fingerprint} by its files"
            )
        trained, seed = bool(state_dict["trained"][0]), int(state_dict["seed"][0])
        if not trained and seed != self.seed:
            raise ValueError(f"its weights are drawn from seed {seed}, and this host has {self.seed}")
        self._take(trained=trained)
        if not trained and self._digest() != _as_text(state_dict["weights"]):
            raise ValueError(
                f"seed {seed} draws other weights here than it did then: torch or transformers have changed"
            )

    def check_tokeniser(self, name: str, fingerprint: str) -> None:
        """Raises DataError where a data set's tokeniser, whose file has this sha256, is not the model's own."""
        from analysis.run.hosts._booted import tokeniser_digest

        own = tokeniser_digest(self.files)
        if fingerprint != own:
            raise DataError(
                f"the data set's tokens are of the tokeniser {name!r} ({TOKENISER} {fingerprint[:12]}...), and "
                f"{self.files.model} reads those of its own ({own[:12]}...): a tokeniser of another model; give the "
                f"data set tokeniser = {self.tokeniser!r}"
            )

    def notes(self) -> dict[str, Any]:
        """By what the numbers were computed: bridge, versions, flags, model. For the notes of a stage."""
        return {
            "bridge": "transformer_lens TransformerBridge.boot_transformers",
            "versions": {name: importlib.metadata.version(name) for name in PACKAGES},
            "model": self.files.model,
            "fingerprint": self.files.fingerprint,
            "commit": getattr(self.config, "_commit_hash", None),
            "class": (getattr(self.config, "architectures", None) or [type(self.config).__name__])[0],
            "trained": self.trained,
            "flags": {
                "attention": "eager",
                "dtype": "float32",
                "compatibility_mode": False,
                "fold_ln": False,
                "center_writing_weights": False,
                "center_unembed": False,
                "prepend_bos": False,
            },
        }

    def _digest(self) -> str:
        """The sha256 of the weights in use."""
        found = hashlib.sha256()
        for name, value in sorted(self.booted.bridge.original_model.state_dict().items()):
            found.update(name.encode())
            found.update(value.contiguous().numpy())
        return found.hexdigest()

    def _check_length(self, places: int) -> None:
        if self.longest and places > self.longest:
            raise ConfigError(
                f"contexts of {places:,} places are longer than those of {self.files.model} ({self.longest:,}): give "
                f"the data set context = {self.longest} or less"
            )

    def _check(self, contexts: Tensor, *hooks: str) -> None:
        from analysis.run.hosts._host import check_hook

        for hook in hooks:
            check_hook(hook, self)
        if contexts.dim() != 2 or contexts.is_floating_point():
            raise DataError(
                f"contexts are {contexts.dtype} of shape {tuple(contexts.shape)}; expected token ids, (contexts, "
                "places)"
            )
        self._check_length(contexts.shape[1])
        least, most = (int(contexts.min()), int(contexts.max())) if contexts.numel() else (0, 0)
        vocabulary = int(self.config.vocab_size)
        if least < 0 or most >= vocabulary:
            wrong = most if most >= vocabulary else least
            raise DataError(
                f"token id {wrong} is none of the {vocabulary:,} of {self.files.model}: "
                f"a tokeniser of another model; give the data set tokeniser = {self.tokeniser!r}"
            )


def _as_tensor(text: str) -> Tensor:
    import torch

    return torch.tensor(list(text.encode()), dtype=torch.uint8)


def _as_text(value: Tensor) -> str:
    return bytes(value.tolist()).decode()
