"""Language models of two blocks with a tokeniser of their own, as `transformers` saves them."""

from __future__ import annotations

from pathlib import Path

TEXT = ("the state of the union is strong", "we the people of the states", "1862 was a year of war")
SETTINGS = {
    "vocab_size": 320, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "max_position_embeddings": 64, "tie_word_embeddings": True,
}  # fmt: skip


# What other architectures call the same.
OTHERS = {
    "GPT2": {"vocab_size": 320, "n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 64},
    "GPTNeoX": {
        "vocab_size": 320, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
        "max_position_embeddings": 64,
    },
}  # fmt: skip


def save(folder: Path, seed: int = 0, **settings: object) -> Path:
    """Write a Llama with random weights; needs the extra `lm`."""
    return save_as("Llama", folder, seed, SETTINGS | settings)


def save_other(kind: str, folder: Path) -> Path:
    """Write a model of another architecture."""
    return save_as(kind, folder, 0, OTHERS[kind])


def save_as(kind: str, folder: Path, seed: int, settings: dict[str, object]) -> Path:
    import torch
    import transformers

    config = getattr(transformers, f"{kind}Config")(**settings)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = transformers.AutoModelForCausalLM.from_config(config)
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
