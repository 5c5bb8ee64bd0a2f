"""Make `union-bpe.json`, the tokeniser of the model Union. Needs tokenizers; run from anywhere:

    python data/text/make_tokeniser.py

Byte-level BPE of 2,048 tokens, trained on the addresses that are trained on, none that is held out. Token 0 starts a
text; tokens 1 to 256 are bytes, so that every text can be written.
"""

from __future__ import annotations

import json
import lzma
import os
from pathlib import Path

SIZE = 2_048
START = "<|endoftext|>"
HERE = Path(__file__).parent


def main() -> None:
    """Train, write, and say what was written."""
    os.environ["TOKENIZERS_PARALLELISM"] = "false"  # counts are added in one order
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    with lzma.open(HERE / "sotu.jsonl.xz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    texts = [row["text"] for row in rows if not row["held_out"]]
    tokeniser = Tokenizer(models.BPE())
    tokeniser.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokeniser.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(
        vocab_size=SIZE, special_tokens=[START], initial_alphabet=alphabet, show_progress=False
    )
    tokeniser.train_from_iterator(texts, trainer)
    target = HERE / "union-bpe.json"
    tokeniser.save(str(target), pretty=False)
    tokens = sum(len(one.ids) for one in tokeniser.encode_batch(texts))
    print(f"{target}: {tokeniser.get_vocab_size()} tokens, {target.stat().st_size / 1e3:.0f} KB")
    print(f"{len(texts)} addresses are {tokens:,} tokens of {sum(map(len, texts)) / tokens:.2f} characters")


if __name__ == "__main__":
    main()
