"""A language model of two blocks with a tokeniser of its own, as `transformers` saves them."""

from __future__ import annotations

from pathlib import Path

TEXT = ("the state of the union is strong", "we the people of the states", "1862 was a year of war")
SETTINGS = {
    "vocab_size": 320, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "max_position_embeddings": 64, "tie_word_embeddings": True,
}  # fmt: skip


def save(folder: Path, seed: int = 0, **settings: object) -> Path:
    """Write a model with random weights; needs the extra `lm`."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = LlamaForCausalLM(LlamaConfig(**(SETTINGS | settings)))
    with torch.no_grad():  # as drawn, every logit is about 0, and blocks hardly matter
        for parameter in model.parameters():
            parameter.mul_(4)
    model.save_pretrained(folder)
    tokeniser().save_pretrained(folder)
    return folder


def tokeniser(size: int = 300):
    """A byte-level BPE of three sentences."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    made.train_from_iterator(
        TEXT,
        trainers.BpeTrainer(vocab_size=size, initial_alphabet=alphabet, special_tokens=["<end>"], show_progress=False),
    )
    return PreTrainedTokenizerFast(tokenizer_object=made, eos_token="<end>", bos_token="<end>", pad_token="<end>")
