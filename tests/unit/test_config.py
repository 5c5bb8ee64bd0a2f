"""Experiments and runs as settings: what is refused, with which words, and what makes two runs different."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from analysis.plan.chains import plan, run_id
from analysis.plan.config import (
    KINDS,
    Experiment,
    HostConfig,
    RunConfig,
    SaeConfig,
    TowerConfig,
    build,
    experiment_names,
    load_experiment,
    scheduled,
)
from analysis.plan.interpret_config import InterpretConfig
from analysis.system import toml_file
from sae.config import StopConfig, TrainConfig
from sae.errors import ConfigError, NotFoundError

TOWER = '[[towers]]\nkind = "latents"\n'
START = 'title = "x"\n'

REFUSED = {
    "unknown key": (START + "sedes = [1]\n" + TOWER, ["unknown key 'sedes'", "seeds", "towers"]),
    "unknown key of a table": (START + "[sae]\nwidht = 4\n" + TOWER, ["sae: unknown key 'widht'", "mean 'width'?"]),
    "unknown key of a tower": (START + TOWER + "depht = 2\n", ["towers[0]: unknown key 'depht'", "depth"]),
    "unknown key of training": (START + TOWER + "train = { step = 2 }\n", ["towers[0].train", "'step'", "steps"]),
    "the file's name as a key": (START + 'name = "another"\n' + TOWER, ["name"]),
    "text for a number": (START + '[sae]\nwidth = "512"\n' + TOWER, ["sae.width", "'512'", "int"]),
    "a fraction for a count": (START + "[sae]\nk = 1.5\n" + TOWER, ["sae.k", "1.5", "int"]),
    "a truth value for a count": (START + "[sae]\nk = true\n" + TOWER, ["sae.k", "True", "int"]),
    "a truth value for a rate": (START + "[sae]\ntrain = { lr = true }\n" + TOWER, ["sae.train.lr", "True", "float"]),
    "a number for a table": (START + "sae = 3\n" + TOWER, ["sae", "3", "table"]),
    "a number for a list": (START + "seeds = 3\n" + TOWER, ["seeds", "3", "int"]),
    "text in a list": (START + 'seeds = [0, "1"]\n' + TOWER, ["seeds[1]", "'1'", "int"]),
    "a table for a list of tables": (START + '[towers]\nkind = "latents"\n', ["towers", "TowerConfig"]),
    "neither a rule nor a list": (START + TOWER + "width = 3\n", ["towers[0].width", "3", "str", "int"]),
    "an unknown rule": (START + TOWER + 'k = "thirds"\n', ["towers.k", "'thirds'", "constant", "doubling", "halving"]),
    "a list that is too short": (START + TOWER + "width = [8, 4]\n", ["towers.width = [8, 4]", "needs 3 entries"]),
    "an unknown kind": (START + '[[towers]]\nkind = "codes"\n', ["towers.kind", "'codes'", "latents, directions"]),
    "no kind": (START + "[[towers]]\ndepth = 2\n", ["towers[0]", "kind"]),
    "two towers of a kind": (START + TOWER + TOWER, ["different kinds", "['latents', 'latents']"]),
    "no towers": (START, ["towers"]),
    "an empty list of towers": (START + "towers = []\n", ["towers"]),
    "no title": (TOWER, ["title"]),
    "a seed twice": (START + "seeds = [0, 1, 0]\n" + TOWER, ["seeds", "[0, 1, 0]", "distinct"]),
    "no seed": (START + "seeds = []\n" + TOWER, ["seeds", "[]"]),
    "depth 0": (START + TOWER + "depth = 0\n", ["towers.depth", "0", "1..10"]),
    "depth 11": (START + TOWER + "depth = 11\n", ["towers.depth", "11", "1..10"]),
    "one fold": (START + TOWER + "folds = 1\n", ["towers.folds", "1", "2"]),
    "more active than there are": (START + "[sae]\nwidth = 4\nk = 5\n" + TOWER, ["width = 4", "k = 5", "1..width"]),
    "none active at a depth": (START + TOWER + "depth = 2\nk = [0]\n", ["k", "0"]),
    "no width at a depth": (START + TOWER + "depth = 2\nwidth = [-4]\n", ["width", "-4"]),
    "no steps": (START + "[sae]\ntrain = { steps = 0 }\n" + TOWER, ["train.steps", "0", "above 0"]),
    "a negative rate": (START + "[sae]\ntrain = { lr = -1 }\n" + TOWER, ["train.lr", "-1", "above 0"]),
    "a rate that is no number": (START + "[sae]\ntrain = { lr = nan }\n" + TOWER, ["train.lr", "nan"]),
    "too much warm-up": (START + "[sae]\ntrain = { warmup = 0.9 }\n" + TOWER, ["train.warmup", "0.9", "at most 1"]),
    "too few architectures": (START + TOWER + 'architecture = ["topk"]\n', ["towers.architecture", "needs 3 entries"]),
    "an unknown panel": (START + 'panel = "long"\n' + TOWER, ["panel = 'long'", "full, short"]),
    "a limit above 1": (START + TOWER + "stop = { loss = 2 }\n", ["stop.loss", "2", "0..1"]),
    "an unknown limit": (START + TOWER + "stop = { losses = 0.1 }\n", ["towers[0].stop", "'losses'", "loss"]),
    "AuxK never": (START + "[sae]\ntrain = { aux_every = 0 }\n" + TOWER, ["train.aux_every", "0", "at least 1"]),
    "a variant without a name": (START + TOWER + "[[variants]]\nset = {}\n", ["variants[0]", "name"]),
    "unknown key of a variant": (START + TOWER + '[[variants]]\nname = "a"\nsett = {}\n', ["variants[0]", "'sett'"]),
    "a date among options": (START + "[host]\noptions = { since = 2024-02-29 }\n" + TOWER, [":3", "since", "date"]),
    "a time deep in options": (
        START + "[sae]\noptions = { a = [{ b = 07:32:00 }] }\n" + TOWER,
        [":3", "a[0].b", "time"],
    ),
    "infinity among options": (START + "[sae]\noptions = { penalty = -inf }\n" + TOWER, [":3", "penalty", "finite"]),
    "a number of 400 digits": (START + f"[sae]\noptions = {{ k_aux = {'9' * 400} }}\n" + TOWER, [":3", "63 bits"]),
    "a number no column holds": (START + f"seeds = [{2**32}]\n" + TOWER, [":2", "seeds", "0..4294967295"]),
    "a negative seed": (START + "seeds = [3, -1]\n" + TOWER, [":2", "seeds", "-1"]),
    "options of another type": (START + '[host]\noptions = ["lr"]\n' + TOWER, [":3", "host.options", "dict"]),
    "options nested too deeply": (
        START + f"[sae]\noptions = {{ a = {'[' * 40}{']' * 40} }}\n" + TOWER,
        [":3", "16 deep"],
    ),
    "the width as an option": (START + "[sae]\noptions = { n_latents = 8 }\n" + TOWER, [":3", "n_latents", "width"]),
    "k as an option of a tower": (
        START + TOWER + "\n\noptions = { meta_k = 2, k = 3 }\n",
        [":6", "towers.options.k", "3", "place is k"],
    ),
    "k as an option of one of several": (
        START + TOWER + 'depth = 2\narchitecture = ["gated"]\noptions = { gated = { k = 3 } }\n',
        [":6", "towers.options.gated.k"],
    ),
    "options of an architecture that the tower has not": (
        START + TOWER + 'depth = 2\narchitecture = ["gated"]\noptions = { gatd = { penalty = 3 } }\n',
        [":6", "gated", "'gatd'"],
    ),
    "the seed as an option of the host": (START + "[host]\noptions = { seed = 1 }\n" + TOWER, [":3", "seeds"]),
    "the seed as an option of the reader": (START + "[interpret]\nreader = { seed = 1 }\n" + TOWER, [":3", "seed"]),
    "steps without an end": (START + TOWER + "train.steps = 20_000_000\n", [":4", "train.steps", "10,000,000"]),
    "shuffles without an end": (START + "[interpret]\npermutations = 100_000\n" + TOWER, [":3", "99999"]),
    "folds without an end": (START + TOWER + "folds = 1000\n", [":4", "towers.folds", "at most 100"]),
    "more revivals than steps": (START + TOWER + "train = { revivals = 2000 }\n", [":4", "train.revivals", "1,500"]),
    "latents without an end": (START + "[sae]\nwidth = 1_000_000\n" + TOWER, [":3", "sae.width", "131072"]),
    "a grid without an end": (
        START + TOWER + f"[grid]\n'sae.k' = {list(range(1, 500))}\n'towers.k' = {[[1]] * 500}\n",
        [":4", "748,500 runs", "10,000"],
    ),
    "a wrong value that only a point of the grid has": (
        START + TOWER + "[grid]\nsae.k = [1]\nsae.train.lr = [0.1,\n  -0.1]\n",
        [":6", "train.lr", "-0.1"],
    ),
    "no TOML": (START + "seeds = = 3", ["trial.toml:2: no TOML"]),
}


@pytest.fixture
def write(tmp_path):
    def writer(text, name="trial"):
        (tmp_path / f"{name}.toml").write_text(text)
        return tmp_path

    return writer


@pytest.mark.parametrize("case", REFUSED)
def test_a_mistake_is_refused_naming_file_key_value_and_what_is_allowed(case, write):
    text, words = REFUSED[case]
    with pytest.raises(ConfigError) as caught:
        load_experiment(write(text), "trial")
    assert [word for word in ["trial.toml", *words] if word not in str(caught.value)] == []


def test_a_file_that_is_not_utf8_is_refused(tmp_path):
    (tmp_path / "trial.toml").write_bytes(b'title = "\xff"\n')
    with pytest.raises(ConfigError, match=r"trial\.toml"):
        load_experiment(tmp_path, "trial")


def test_a_byte_that_is_not_utf8_is_named_with_its_line(tmp_path):
    (tmp_path / "trial.toml").write_bytes(b'title = "x"\n# caf\xe9\n')
    with pytest.raises(ConfigError, match=r"trial\.toml:2: byte 0xe9 is not UTF-8"):
        load_experiment(tmp_path, "trial")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x = " + "[" * 3000 + "]" * 3000, "nested"),
        ("[a" + ".a" * 3000 + "]\n", "unknown key 'a'"),
        ("# " + "x" * toml_file.MAX_BYTES, "1,000,0.. bytes"),
        ("day = 2023-02-29", "trial.toml"),
        ("n = " + "9" * 5000, "trial.toml"),
    ],
    ids=["nested lists", "nested tables", "huge", "no such day", "no such number"],
)
def test_a_file_that_no_reader_is_made_for_is_one_line(text, words, write):
    with pytest.raises(ConfigError, match=words) as caught:
        load_experiment(write(text), "trial")
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 500


def test_a_folder_is_no_experiment(tmp_path):
    (tmp_path / "trial.toml").mkdir()
    with pytest.raises(ConfigError, match="not a regular file"):
        load_experiment(tmp_path, "trial")


LINES = """title = "a # b"   # c
text = '''
[sae]
k = 1'''
[sae]
options = { "a.b" = [1,
  2], c = "]" }
"quoted key".x = 1
[[towers]]
kind = "latents"
[towers.train]
steps = 1
[[towers]]
k = 2
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("title",), 1), (("text",), 2), (("sae",), 5), (("sae", "options", "a.b", 1), 6), (("sae", "options", "c"), 6),
        (("sae", "width"), 5), (("sae", "quoted key", "x"), 8), (("towers", 0), 9), (("towers", 0, "kind"), 10),
        (("towers", 0, "train", "steps"), 12), (("towers", 1, "k"), 14), (("towers", 1, "train"), 13), (("grid",), 0),
        ((), 0),
    ],
)  # fmt: skip
def test_the_line_of_a_setting(path, line):
    assert toml_file.line_of(LINES, path) == line


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        (SaeConfig, "k", 2.5), (SaeConfig, "width", True), (SaeConfig, "architecture", 3), (SaeConfig, "options", [1]),
        (SaeConfig, "train", 3), (TowerConfig, "depth", 2.5), (TowerConfig, "k", [2.5, 1, 1]),
        (TowerConfig, "direct", "no"), (TowerConfig, "folds", float("nan")), (HostConfig, "options", {"lr": np.inf}),
        (HostConfig, "options", {1: 2}), (HostConfig, "options", {"weights": np.ones(2)}),
        (InterpretConfig, "permutations", 99.5), (InterpretConfig, "steps", float("inf")),
        (InterpretConfig, "train_rows", None), (TrainConfig, "steps", 0), (StopConfig, "loss", -1.0),
    ],
)  # fmt: skip
def test_what_python_gives_is_checked_as_what_a_file_says(kind, name, value):
    rest = {"kind": "latents"} if kind is TowerConfig else {}
    with pytest.raises(ConfigError, match=name):
        kind(**{**rest, name: value})


def test_numbers_of_numpy_become_those_of_python():
    sae = SaeConfig(width=np.int64(64), k=np.uint8(4), options={"penalty": np.float32(0.5), "k_aux": np.int16(2)})
    assert [type(x) for x in (sae.width, sae.k, *sae.options.values())] == [int, int, float, int]
    assert dataclasses.replace(RUN, sae=sae).canonical()


def test_an_unknown_experiment_lists_those_there_are(write):
    write(START + TOWER, "second")
    folder = write(START + TOWER, "first")
    assert experiment_names(folder) == ["first", "second"]
    with pytest.raises(NotFoundError, match="'third'; found: first, second"):
        load_experiment(folder, "third")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('dataset = "digitz"', "'digitz'.*digits"),
        ('host = { name = "mpl" }', "'mpl'.*mlp"),
        ('sae = { architecture = "topq" }', "'topq'.*topk"),
    ],
)
def test_a_plan_refuses_names_that_nothing_answers_to(line, words, write):
    experiment = load_experiment(write(START + line + "\n" + TOWER), "trial")
    with pytest.raises(NotFoundError, match=words):
        plan(experiment)


def test_an_experiment_takes_its_name_from_its_file_and_its_defaults_from_the_classes(write):
    experiment = load_experiment(write(START + TOWER), "trial")
    assert experiment == Experiment(name="trial", title="x", towers=(TowerConfig(kind="latents"),))
    assert [config.seed for config in experiment.runs()] == [0, 1, 2]


def test_a_whole_number_will_do_where_a_fraction_is_asked_for(write):
    folder = write(START + "[sae]\ntrain = { lr = 1 }\n" + TOWER)
    assert type(load_experiment(folder, "trial").sae.train.lr) is float


RUN = RunConfig(
    dataset="digits",
    host=HostConfig(options={"epochs": 3}),
    sae=SaeConfig(options={"encoder_norm": 0.5}),
    towers=(TowerConfig(kind="latents", width=[9, 8, 7]), TowerConfig(kind="directions", depth=2)),
    compare=(SaeConfig(architecture="gated"),),
    seed=7,
)


def test_a_canonical_config_comes_back_as_it_was():
    back = RunConfig.from_canonical(RUN.canonical())
    assert back == RUN and back.canonical() == RUN.canonical() and run_id(back) == run_id(RUN)


def test_the_order_of_options_is_no_difference():
    a, b = (dataclasses.replace(RUN, host=HostConfig(options=o)) for o in ({"x": 1, "y": 2}, {"y": 2, "x": 1}))
    assert run_id(a) == run_id(b)


OTHER = {
    "dataset_options": {"path": "mine"},
    "kind": "directions", "depth": 5, "width": "doubling", "k": "constant", "direct": True, "folds": 3,
    "architecture": "other",
    "options": {"some": 1}, "name": "other", "hook": "other", "steps": 7, "batch": 7, "lr": 7.0, "warmup": 0.07,
    "decay": 0.07, "dead_after": 0.7, "revivals": 7, "ema": 0.7, "shortlist": 77, "compiled": False, "bf16": True,
    "dataset": "other", "seed": 8, "normalise": False, "aux_every": 7, "nulls": False, "live_share": 0.7,
    "input_variance": 0.07, "loss": 0.007, "distinct_rows": 0.0007, "controls": False, "panel": "short",
    "variant": "other", "measured_rows": 7000, "rows": 700,
}  # fmt: skip


def changed(value, name):
    """Every value that differs from `value` in exactly one field, however deep, with the field's path."""
    if isinstance(value, tuple):
        for i, item in enumerate(value):
            for path, new in changed(item, f"{name}[{i}]"):
                yield path, (*value[:i], new, *value[i + 1 :])
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            old = getattr(value, field.name)
            if isinstance(old, tuple) or dataclasses.is_dataclass(old):
                inner = changed(old, f"{name}.{field.name}")
            else:
                new = (
                    OTHER[field.name]
                    if not isinstance(value, SaeConfig)
                    else {**OTHER, "width": 99, "k": 9}[field.name]
                )
                inner = [(f"{name}.{field.name}", new)]
            for path, new in inner:
                yield path, dataclasses.replace(value, **{field.name: new})


def test_the_run_id_changes_with_every_field():
    simple = dataclasses.replace(RUN, towers=(TowerConfig(kind="latents"),))
    variants = dict(changed(simple, "run"))
    assert len(variants) > 60
    deep = {"run.towers[0].train.aux_every", "run.towers[0].stop.loss", "run.sae.width", "run.variant", "run.panel"}
    assert deep <= set(variants)
    ids = {path: run_id(config) for path, config in variants.items()}
    assert run_id(simple) not in ids.values()
    assert len(set(ids.values())) == len(ids)


@pytest.mark.parametrize(
    ("rule", "start", "values"),
    [
        ("constant", 16, [16, 16, 16, 16]),
        ("doubling", 16, [16, 32, 64, 128]),
        ("halving", 16, [16, 8, 4, 2]),
        ("halving", 3, [3, 1, 1, 1]),
        ("doubling", 1024, [1024, 2048, 4096, 4096]),
        ("doubling", 6000, [6000, 6000, 6000, 6000]),
    ],
)
def test_schedules(rule, start, values):
    assert [scheduled(rule, start, depth) for depth in (1, 2, 3, 4)] == values


def test_a_tower_derives_its_depths():
    first = SaeConfig(width=64, k=16)
    tower = TowerConfig(
        kind="directions", width="halving", k=[4, 4, 8], options={"k_aux": 2}, train=TrainConfig(steps=9)
    )
    assert tower.at(1, first) is first
    assert [(tower.at(d, first).width, tower.at(d, first).k) for d in (2, 3, 4)] == [(32, 4), (16, 4), (8, 8)]
    assert tower.at(2, first).options == {"k_aux": 2} and tower.at(2, first).train.steps == 9


def test_an_empty_width_is_the_usual_one_of_the_kind():
    assert [TowerConfig(kind=kind).width for kind in KINDS] == ["constant", "halving"]
    assert TowerConfig(kind="directions", width="constant").width == "constant"


def test_one_architecture_has_its_options_and_several_have_theirs_by_name():
    first, options = SaeConfig(width=64, k=4), {"topk": {"k_aux": 2}, "relu_l1": {"penalty": 0.1}}
    tower = TowerConfig(kind="latents", architecture=["relu_l1", "topk", "gated"], options=options)
    found = [tower.at(depth, first) for depth in (2, 3, 4)]
    assert [sae.architecture for sae in found] == ["relu_l1", "topk", "gated"]
    assert [sae.options for sae in found] == [{"penalty": 0.1}, {"k_aux": 2}, {}]
    one = TowerConfig(kind="latents", architecture="relu_l1", options={"penalty": 0.1})
    assert [one.at(depth, first).options for depth in (2, 3, 4)] == [{"penalty": 0.1}] * 3


def test_the_single_sae_beside_a_depth_is_as_sparse_in_the_latents_kind_and_only_as_wide_in_the_other():
    first = SaeConfig(width=64, k=16, options={"k_aux": 2}, train=TrainConfig(steps=9))
    latents = TowerConfig(kind="latents", k="halving")
    assert [latents.single(depth, first) for depth in (2, 4)] == [latents.at(depth, first) for depth in (2, 4)]
    directions = TowerConfig(kind="directions", k=[2, 2, 2], train=TrainConfig(steps=7))
    found = [directions.single(depth, first) for depth in (2, 3, 4)]
    assert [(sae.width, sae.k) for sae in found] == [(32, 16), (16, 16), (8, 8)]
    assert {(sae.options["k_aux"], sae.train.steps) for sae in found} == {(2, 9)}, "otherwise as depth 1"


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(StopConfig)])
def test_limits_of_stopping_are_shares(name):
    for value in (0.0, 0.5, 1.0):
        assert getattr(StopConfig(**{name: value}), name) == value
    for value in (-0.01, 1.01, float("nan")):
        with pytest.raises(ConfigError, match=rf"stop\.{name} = {value}: must be in 0\.\.1"):
            StopConfig(**{name: value})


def test_values_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        RUN.seed = 3
    with pytest.raises(ConfigError, match="must be a table"):
        build(HostConfig, [], "host")


def test_only_equal_sizes_are_compared():
    other = SaeConfig(architecture="gated", width=256, k=16)
    with pytest.raises(ConfigError, match=r"gated with width and k \(256, 16\), \[sae\] has \(512, 16\)"):
        Experiment(name="x", title="x", towers=(TowerConfig(kind="latents"),), compare=(other,)).runs()


def test_an_architecture_is_compared_once():
    twice = (SaeConfig(architecture="gated"), SaeConfig(architecture="gated"))
    with pytest.raises(ConfigError, match="an architecture twice"):
        Experiment(name="x", title="x", towers=(TowerConfig(kind="latents"),), compare=twice).runs()
