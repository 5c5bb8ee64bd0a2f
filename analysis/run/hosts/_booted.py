"""A model behind transformer_lens's `TransformerBridge`: what it has at a hook, and how it goes on from there.

Activations are those of the model as `transformers` computes it, without folded layer norms or centred weights (what
`HookedTransformer` did, under the same names of hooks). Nothing here is trained: gradients reach activations alone.

A pass from a hook on skips the blocks below where that changes nothing: from the twentieth of SmolLM2's thirty blocks
on it is 2.2 times as fast.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from analysis.run.hosts._model_files import TOKENISER, ModelFiles, digest_of, remedy
from sae.errors import ConfigError, DataError

# Contexts in one pass: of 128 places each, more of them are no faster on a CPU.
CONTEXTS = 8
# A pass that skips blocks is taken only where it gives the logits of one that does not, on so many places.
TRIED_PLACES = 4
CLOSE = 1e-4


class _SeenError(Exception):
    """Ends a pass: all that was asked for was seen."""


@contextmanager
def quiet(offline: bool) -> Iterator[None]:
    """Without bars, and where the model is a folder without the hub, whatever the environment says."""
    import huggingface_hub.constants as hub
    from transformers.utils import logging

    at, bars, level = hub.HF_HUB_OFFLINE, logging.is_progress_bar_enabled(), logging.get_verbosity()
    hub.HF_HUB_OFFLINE = at or offline
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        hub.HF_HUB_OFFLINE = at
        if bars:
            logging.enable_progress_bar()
        logging.set_verbosity(level)


def config_of(files: ModelFiles) -> Any:
    """The settings of a model, as `transformers` reads them. Raises DataError."""
    from transformers import AutoConfig

    if files.folder:
        files.parts()
    with quiet(offline=files.folder is not None), _told(files):
        return AutoConfig.from_pretrained(files.source, **_where(files))


def weights_of(files: ModelFiles) -> Any:
    """The pretrained model. Raises DataError where files cannot be had or read, or lack weights that it needs."""
    from transformers import AutoModelForCausalLM

    with quiet(offline=files.folder is not None), _told(files):
        model, told = AutoModelForCausalLM.from_pretrained(
            files.source,
            dtype=torch.float32,
            attn_implementation="eager",
            use_safetensors=True,
            output_loading_info=True,
            **_where(files),
        )
    lost = sorted(map(str, (*told["missing_keys"], *told["mismatched_keys"])))
    if lost:  # they would have been drawn at random, without a word
        raise DataError(
            f"{files.model} lacks {len(lost)} weights of a {type(model).__name__}, {lost[0]} first; "
            f"{remedy(files.model)}"
        )
    return model


def tokeniser_of(files: ModelFiles) -> Any:
    """The model's tokeniser, as transformer_lens wants one. Raises DataError."""
    from transformers import AutoTokenizer

    with quiet(offline=files.folder is not None), _told(files):
        return AutoTokenizer.from_pretrained(files.source, **_where(files))


def tokeniser_digest(files: ModelFiles) -> str:
    """The sha256 of the file of its tokeniser. Raises DataError."""
    if files.folder:
        return digest_of(files.folder / TOKENISER)
    from transformers.utils import cached_file

    with quiet(offline=False), _told(files):
        return digest_of(Path(cached_file(files.source, TOKENISER, **_where(files))))


def drawn(config: Any, seed: int) -> Any:
    """A model of the same settings with weights as it would begin its training, from the seed alone."""
    from transformers import AutoModelForCausalLM

    with quiet(offline=True), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return AutoModelForCausalLM.from_config(config, dtype=torch.float32, attn_implementation="eager")


def _where(files: ModelFiles) -> dict[str, Any]:
    if files.folder:
        return {"local_files_only": True}
    return {"revision": files.revision} if files.revision else {}


@contextmanager
def _told(files: ModelFiles) -> Iterator[None]:
    """What goes wrong with a model's files as one line that names it."""
    try:
        yield
    except Exception as error:  # of transformers, safetensors, the network: each has its own, and many
        said = next(iter(str(error).strip().splitlines()), "") or type(error).__name__
        if files.folder:
            raise DataError(f"{files.model} cannot be read as a model: {said}; {remedy(files.model)}") from error
        raise DataError(
            f"{files.model} is no folder, and cannot be had from the hub: {said}; give `model` a folder, or do it "
            "again where the hub can be reached"
        ) from error


class Booted:
    """A model with its hooks. Raises ConfigError for one of an architecture that transformer_lens does not know."""

    def __init__(self, model: Any, tokenizer: Any, name: str, offline: bool) -> None:
        from transformer_lens.model_bridge import TransformerBridge

        with quiet(offline):
            try:
                self.bridge = TransformerBridge.boot_transformers(
                    name, hf_model=model, tokenizer=tokenizer, device="cpu", dtype=torch.float32
                )
            except (ValueError, KeyError, NotImplementedError) as error:
                kind = type(model).__name__
                raise ConfigError(f"{name} is a {kind}, which transformer_lens does not know: {error}") from error
        self.bridge.eval()
        for parameter in model.parameters():
            parameter.requires_grad_(False)
        self.blocks = len(self.bridge.blocks)
        self.skips: dict[int, bool] = {}
        """By the block to start from: whether a pass that skips those below gives the same."""

    def hooks(self) -> set[str]:
        """Names of all hooks that the bridge has."""
        return set(self.bridge.hook_dict)

    @torch.no_grad()
    def read(
        self, contexts: Int[Tensor, "contexts places"], hooks: Sequence[str]
    ) -> dict[str, Float[Tensor, "contexts places width"]]:
        """What it has at each of the hooks, in one pass that ends with the last of them."""
        parts = [self._pass(some.long(), hooks) for some in torch.split(contexts, CONTEXTS)]
        return {hook: torch.cat([part[hook] for part in parts]) for hook in hooks}

    def _pass(self, contexts: Tensor, hooks: Sequence[str]) -> dict[str, Tensor]:
        seen: dict[str, Tensor] = {}

        def keep(name: str) -> Callable[..., None]:
            def kept(value: Tensor, hook: Any) -> None:
                seen[name] = value.clone()
                if len(seen) == len(hooks):
                    raise _SeenError

            return kept

        with suppress(_SeenError):
            self._with_hooks(contexts, {name: keep(name) for name in hooks})
        return seen

    def embeddings(self) -> Float[Tensor, "vocabulary embedding"]:
        """That of each token."""
        found: Tensor = self.bridge.original_model.get_input_embeddings().weight.detach()
        return found

    def read_embedded(
        self, tokens: Int[Tensor, " places"], embedded: Float[Tensor, "contexts places embedding"], hook: str
    ) -> Float[Tensor, "contexts places width"]:
        """What the model has at a hook with these embeddings in place of its own; computed no further."""
        seen: list[Tensor] = []

        def replaced(value: Tensor, hook: Any) -> Tensor:
            return embedded

        def keep(value: Tensor, hook: Any) -> None:
            seen.append(value.clone())
            raise _SeenError

        with suppress(_SeenError):
            self.bridge.run_with_hooks(
                tokens.expand(len(embedded), -1), fwd_hooks=[("hook_embed", replaced), (hook, keep)], use_cache=False
            )
        return seen[0]

    def logits(self, contexts: Int[Tensor, "contexts places"]) -> Float[Tensor, "contexts places vocabulary"]:
        """What it says comes next, with nothing replaced."""
        return self._with_hooks(contexts.long(), {})

    def go_on(
        self, contexts: Int[Tensor, "contexts places"], activations: Float[Tensor, "contexts places width"], hook: str
    ) -> Float[Tensor, "contexts places vocabulary"]:
        """The logits with `activations` in place of its own at the hook; blocks whose work would be replaced are left
        out where that is known to change nothing."""
        start = first_block(hook)
        if start and self._may_skip(start):
            with self._skipping(start, activations):
                return self.logits(contexts)
        return self._replaced(contexts, activations, hook)

    def _replaced(self, contexts: Tensor, activations: Tensor, hook: str) -> Tensor:
        return self._with_hooks(contexts.long(), {hook: lambda value, hook: activations})

    def _with_hooks(self, contexts: Tensor, functions: Mapping[str, Callable[..., Any]]) -> Tensor:
        found: Tensor = self.bridge.run_with_hooks(contexts, fwd_hooks=list(functions.items()), use_cache=False)
        return found

    def _may_skip(self, start: int) -> bool:
        """Tried once: blocks may hand on more than the residual stream (keys and values of others, for one)."""
        if start not in self.skips:
            places = torch.arange(TRIED_PLACES)[None]
            name = f"blocks.{start - 1}.hook_resid_post"
            with torch.no_grad():
                found = self._pass(places, [name])[name]
                given = found + found.std() * torch.linspace(-1, 1, found.shape[-1])
                wanted = self._replaced(places, given, name)
                try:
                    with self._skipping(start, given):
                        logits = self.logits(places)
                    self.skips[start] = bool(torch.allclose(logits, wanted, atol=CLOSE, rtol=CLOSE))
                except (TypeError, ValueError, IndexError, AttributeError, RuntimeError):  # of a block it cannot miss
                    self.skips[start] = False
        return self.skips[start]

    @contextmanager
    def _skipping(self, start: int, activations: Tensor) -> Iterator[None]:
        """While it lasts blocks below `start` compute nothing, and the last of them gives the activations.

        `start_at_layer` of the bridge does the same to the numbers, and computes them all.
        """

        def passed(*given: Any, **named: Any) -> Any:
            return given[0] if given else named["hidden_states"]

        # the bridge's blocks hand on what is set on them to the model's own: past that
        for number in range(start):
            forward = passed if number < start - 1 else lambda *given, **named: activations
            self.bridge.blocks[number].__dict__["forward"] = forward
        try:
            yield
        finally:
            for number in range(start):
                self.bridge.blocks[number].__dict__.pop("forward", None)


def first_block(hook: str) -> int:
    """The block that is the first to read what a hook of the residual stream has; 0 for other hooks, and where nothing
    can be left out."""
    _, number, place = hook.split(".", 2)
    return int(number) + (place == "hook_resid_post") if place.startswith("hook_resid_p") else 0
