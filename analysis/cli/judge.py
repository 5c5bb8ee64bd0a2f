"""The commands `strata judge` and `strata train`: rows and SAEs of anybody's, without a project."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Annotated, Any

import typer

from analysis.cli.judge_file import JUDGED, named
from analysis.cli.sae_folder import check_folder, check_free, clear
from analysis.cli.saying import say, write
from analysis.system.extras import need
from sae.errors import ConfigError
from sae.temporary import replacing
from sae.values import choice

app = typer.Typer()
MOST_JUDGED, MOST_TRAINED = 20_000, 1_000_000
HELD_OUT = 0.1

ROWS_HELP = ".npy, .npz, .safetensors, a folder of such files, or a Hugging Face data set's name"

Rows = Annotated[str, typer.Argument(metavar="ROWS", help=ROWS_HELP)]
Array = Annotated[
    str, typer.Option(help="which array, tensor or column of ROWS, where there are several; or ROWS[NAME]")
]
Seed = Annotated[int, typer.Option(help="of all that is drawn at random")]


@app.command()
def judge(
    context: typer.Context,
    rows: Annotated[
        str, typer.Argument(metavar="[ROWS]", help=f"{ROWS_HELP}; what {JUDGED} names, where neither is given")
    ] = "",
    sae: Annotated[
        list[str] | None,
        typer.Option(help="folder or file of an SAE; several times for several"),
    ] = None,
    labels: Annotated[
        str,
        typer.Option(
            help="a whole number for every row: .npy, .npz, .safetensors (FILE[NAME] of several), or text, one a line"
        ),
    ] = "",
    random_rows: Annotated[str, typer.Option(help="rows of the same examples from a randomly initialised host")] = "",
    held_out: Annotated[str, typer.Option(help="rows that the SAEs never saw; without labels")] = "",
    unseen: Annotated[bool, typer.Option("--unseen", help="the SAEs were trained on none of ROWS")] = False,
    seeds: Annotated[
        bool | None,
        typer.Option(
            "--seeds/--apart",
            help="SAEs of one architecture and size are trainings on the same rows, or none are; neither: as files say",
        ),
    ] = None,
    nulls: Annotated[
        str, typer.Option(help="SAEs trained where there is nothing to learn: none, quick, full")
    ] = "quick",
    null_steps: Annotated[int, typer.Option(min=0, help="steps of each; 0: as --nulls says")] = 0,
    trained_on: Annotated[
        int, typer.Option(min=0, help="how many rows the SAEs were trained on, for the memorising bound; 0: unknown")
    ] = 0,
    most: Annotated[int, typer.Option(min=50, help="rows that are looked at, at most, drawn at random")] = MOST_JUDGED,
    array: Array = "",
    seed: Seed = 0,
    out: Annotated[Path, typer.Option(help="folder for the page and the numbers; made if it is not there")] = Path(
        "judgement"
    ),
    as_json: Annotated[bool, typer.Option("--json", help="all numbers as JSON instead of the panel")] = False,
) -> None:
    """Judge SAEs that were trained anywhere: one word, and every floor that rows give beside it.

    Reads rows, labels and SAEs (Strata, SAELens, sparsify, OpenAI, dictionary_learning, Gemma Scope; never a pickle),
    or judge.toml of the project, which names them; writes DIR/judgement.html, one page that needs nothing else, and
    DIR/judgement.json; prints the panel to standard output.
    """
    need("train", "strata judge")
    if not rows and not sae:
        judge(context, **named(context))
        return
    if not rows or not sae:
        raise ConfigError(f"name ROWS and at least one --sae; or neither, for what {JUDGED} of the project names")
    check_folder(out)
    from analysis.pages.judge_page import page, text
    from analysis.run.rows_files import read_labels, read_rows
    from sae.interop import loaded
    from sae.judge import judge as judged

    saes = [loaded(path) for path in sae]  # before the rows: these are quickly refused
    found = read_rows(rows, array=array, most=most, seed=seed)
    say(found.said)
    width = found.rows.shape[1]
    result = judged(
        found.rows,
        saes,
        held_out=read_rows(held_out, array=array, most=most, seed=seed, option="--held-out", width=width).rows
        if held_out
        else None,
        labels=read_labels(labels, found.total, found.numbers) if labels else None,
        random_rows=read_rows(
            random_rows, array=array, only=found.numbers, option="--random-rows", total=found.total, width=width
        ).rows
        if random_rows
        else None,
        unseen=unseen,
        seeds=seeds,
        nulls=nulls,
        null_steps=null_steps or None,
        trained_on=trained_on or None,
        seed=seed,
        most_rows=most,
        numbers=found.numbers,
        total=found.total,
        observe=say,
    ).as_dict()
    result = {"read": found.said, **result}
    written = page(result)
    _write(out / "judgement.json", json.dumps(result, indent=1, allow_nan=False))
    _write(out / "judgement.html", written)
    write(json.dumps(result, indent=1, allow_nan=False) if as_json else text(result))
    say(f"page: {out / 'judgement.html'}")


@app.command()
def train(
    rows: Rows,
    width: Annotated[int, typer.Option(min=1, help="latents")],
    k: Annotated[int, typer.Option(min=1, help="active latents a row")],
    architecture: Annotated[str, typer.Option(help="topk, batch_topk, matryoshka, gated, jumprelu, ...")] = "topk",
    steps: Annotated[int, typer.Option(min=1, help="optimiser steps")] = 1500,
    batch: Annotated[int, typer.Option(min=1, help="rows a step")] = 256,
    lr: Annotated[float, typer.Option(help="Adam's peak learning rate")] = 2e-3,
    most: Annotated[int, typer.Option(min=50, help="rows that are read, at most, drawn at random")] = MOST_TRAINED,
    array: Array = "",
    seed: Seed = 0,
    device: Annotated[str, typer.Option(envvar="STRATA_DEVICE", help="cpu, cuda, mps")] = "cpu",
    layout: Annotated[
        str, typer.Option("--format", help="ours (layer.safetensors) or saelens (a folder that SAELens loads)")
    ] = "ours",
    out: Annotated[Path, typer.Option(help="the SAE's folder; made if it is not there")] = Path("sae"),
) -> None:
    """Train one SAE on rows; a tenth of them, drawn at random, is held out.

    Reads rows; writes DIR/layer.safetensors, or a folder for SAELens, and DIR/training.json; prints what it explains
    to standard output.
    """
    need("train", "strata train")
    from analysis.run.rows_files import read_rows

    choice("format", layout, ("ours", "saelens"))
    import torch

    from sae.checkpoint import save_layer
    from sae.config import TrainConfig
    from sae.discover import construct
    from sae.floors import worth
    from sae.interop import saelens
    from sae.seeding import stream
    from sae.train import train as trained

    config = TrainConfig(steps=steps, batch=batch, lr=lr)
    if layout == "saelens" and (refused := saelens.refusal(architecture)):
        raise ConfigError(f"format = 'saelens': {refused}")
    check_free(out)
    found = read_rows(rows, array=array, most=most, seed=seed)
    say(found.said)
    model = construct("sae.architectures", architecture, found.rows.shape[1], width, k=k)
    order = torch.randperm(len(found.rows), generator=stream(seed, "held out"))
    cut = int(HELD_OUT * len(order))
    held, fit = found.rows[order[:cut].sort().values], found.rows[order[cut:].sort().values]

    def observe(record: Any) -> None:
        if record.step % 500 == 0:
            say(f"step {record.step} of {record.steps}: loss {record.loss:.4g}, L0 {record.l0:.1f}")

    layer = trained(architecture, model, fit, config, seed, observe, device=device)
    said = {
        "architecture": architecture, "width": width, "k": k, "steps": steps, "batch": batch, "lr": lr, "seed": seed,
        "rows": len(fit), "source": rows,
    }  # fmt: skip
    out.mkdir(parents=True, exist_ok=True)
    clear(out)
    _write(out / "training.json", json.dumps(said, indent=1))
    if layout == "saelens":
        saelens.write(layer, out, {"steps": steps})
    else:
        save_layer(layer, out / "layer.safetensors")
    codes = layer.encode(held if len(held) else fit)
    print(
        f"variance explained {worth(layer, fit):.3f}"
        + (f", of {len(held)} held-out rows {worth(layer, held):.3f}" if len(held) else "")
        + f"; L0 {codes.l0():.1f}; {float(codes.fired().float().mean()):.0%} of {width} latents fire there"
    )
    named_array = ["--array", array] if array else []
    write(f"{out}: {shlex.join(['strata', 'judge', rows, *named_array, '--sae', str(out)])}")


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
