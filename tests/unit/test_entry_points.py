"""A second package that is installed beside the tool, and adds one thing of each kind by entry points."""

from __future__ import annotations

import importlib
import sys
import warnings

import pytest
from planted import shapes_unchecked
from seam_project import HOST, SETTINGS

from analysis.cli.main import main
from analysis.figures.asked import asked
from analysis.figures.draw import draw_all
from analysis.logs.counts import History
from analysis.plan import code_version as followed
from analysis.plan.chains import plan
from analysis.plan.code_version import code_version
from analysis.plan.config import load_experiment
from analysis.plan.paths import Paths
from analysis.results.tables import Results
from analysis.run import pipeline
from sae import discover, entry_points
from sae.errors import ConfigError, RenderError

# Names of its own: what is imported once stays known to the test's process.
TOP = "hedgerow_sae"
ENTRIES = {
    "architectures": f"thorny = {TOP}.thorny",
    "measures": f"prickles = {TOP}.all_measures:Prickles",
    "datasets": f"berries = {TOP}.berries",
    "hosts": f"stem = {TOP}.hosts.stem:build",
    "figures": f"leaves = {TOP}.leaves",
}
FILES = {
    "__init__.py": "",
    "thorny.py": '''"""TopK with another start."""
from sae.architectures.topk import TopK

from .lengths import LENGTH


class Thorny(TopK):
    def __init__(self, d_in, n_latents, *, k, encoder_norm: float = LENGTH):
        super().__init__(d_in, n_latents, k=k, encoder_norm=encoder_norm)

    def options(self):
        return {"k": self.k, "encoder_norm": self.encoder_norm}
''',
    "lengths.py": "LENGTH = 1.25\n",
    "all_measures.py": '''"""A measure under a name of its own."""
from sae.evaluate import Reading


class Prickles:
    """Rows that were seen."""

    version, on, needs = 1, "examples", ()

    def __init__(self):
        self.rows = 0

    def update(self, seen):
        self.rows += len(seen.dense)

    def reading(self):
        return Reading(float(self.rows), self.rows)
''',
    "berries.py": """import numpy as np

from analysis.run.datasets._dataset import Dataset


def berries():
    rows = np.random.default_rng(5).normal(size=(160, 5)).astype(np.float32)
    return Dataset("berries", rows, None, np.arange(160) % 4 == 0)
""",
    "hosts/__init__.py": "",
    "hosts/stem.py": HOST.replace('"rows": self.width', '"sap": self.width')
    + """

def build(shape, n_classes, seed):
    return Plain(shape, n_classes, seed)
""",
    "leaves.py": """from analysis.figures.drawing import Drawing


def leaves(results, *, colour: str = "green"):
    data = results.values("prickles", "latents")[["depth", "value"]]
    html = f"<p>{colour}: {data['value'].iloc[0]:.0f}</p>"
    return Drawing(title="Leaves", caption="Of a hedge.", alt="A number.", data=data, html=html)
""",
}
EXPERIMENT = """title = "A hedge"
dataset = "berries"
seeds = [0]
controls = false
[host]
name = "stem"
hook = "sap"
[sae]
architecture = "thorny"
width = 8
k = 2
train = { steps = 4, batch = 32, compiled = false }
[[towers]]
kind = "latents"
depth = 1
nulls = false
"""


def install(site, package, version, points, files=(), top=""):
    """A package as pip leaves it: its metadata, its entry points, its modules."""
    told = site / f"{package.replace('-', '_')}-{version}.dist-info"
    told.mkdir()
    (told / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n")
    groups = "".join(f"[strata.{kind}]\n{line}\n" for kind, line in points.items())
    (told / "entry_points.txt").write_text(groups)
    for name, text in dict(files).items():
        (site / top / name).parent.mkdir(parents=True, exist_ok=True)
        (site / top / name).write_text(text)


def known_anew():
    entry_points.entries.cache_clear()
    followed._installed.cache_clear()
    importlib.invalidate_caches()


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A folder on the path in which packages are installed; nothing of them is known any more afterwards."""
    folder = tmp_path / "site-packages"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    yield folder
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None) or "").startswith(str(folder)):
            del sys.modules[name]
    monkeypatch.undo()
    known_anew()


@pytest.fixture
def hedge(site):
    install(site, "hedgerow", "1.4", ENTRIES, FILES, TOP)
    known_anew()
    return site / TOP


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A project whose experiment is made of what the package adds."""
    root = tmp_path / "project"
    (root / "data/experiments").mkdir(parents=True)
    (root / "report").mkdir()
    (root / "_quarto.yml").write_text(SETTINGS)
    (root / "index.qmd").write_text("---\ntitle: T\n---\n\n{{< figure leaves colour=red >}}\n")
    (root / "data/experiments/hedge.toml").write_text(EXPERIMENT)
    monkeypatch.setenv("STRATA_ROOT", str(root))
    return Paths(root)


def experiment(here):
    return load_experiment(here.experiments, "hedge")


def test_one_thing_of_each_kind_is_found_and_run(hedge, here):
    with shapes_unchecked():
        results = Results(pipeline.run(experiment(here), here, workers=1))
    assert results.training["architecture"].unique().tolist() == ["thorny"]
    assert results.values("prickles", "latents")["value"].tolist() == [40.0]
    drawn = draw_all(asked([here.root / "index.qmd"], here.root), results, History(()), here)
    assert [one.name for one in drawn] == ["leaves_red"]
    assert "red: 40" in (here.generated / "leaves_red.md").read_text()
    assert {"thorny", "topk"} <= set(discover.names("sae.architectures"))


@pytest.mark.parametrize(
    ("file", "stages"),
    [
        ("berries.py", {"host", "activations", "sae", "measures"}),
        ("hosts/stem.py", {"host", "activations", "sae", "measures"}),
        ("thorny.py", {"sae", "measures"}),
        ("lengths.py", {"sae", "measures"}),
        ("all_measures.py", {"measures"}),
    ],
)
def test_a_change_in_its_code_makes_those_stages_stale_that_use_it(hedge, here, file, stages):
    def keys():
        return {stage.name: stage.key for chain in plan(experiment(here)) for stage in chain.stages}

    before = keys()
    (hedge / file).write_text((hedge / file).read_text() + "# a comment\n")
    assert keys() == before
    (hedge / file).write_text((hedge / file).read_text() + "CHANGED = True\n")
    assert {name for name, key in keys().items() if key != before[name]} == stages


def test_a_figure_follows_its_package(hedge):
    before = code_version(f"{TOP}.leaves")
    (hedge / "leaves.py").write_text("from . import lengths\n" + FILES["leaves.py"])
    following = code_version(f"{TOP}.leaves")
    (hedge / "lengths.py").write_text("LENGTH = 3\n")
    assert len({before, following, code_version(f"{TOP}.leaves")}) == 3


BROKEN = {
    "an import that fails": ("import nothing_of_that_name\n", r"\.py:1: cannot be imported: ModuleNotFoundError"),
    "an error deeper in it": ("from . import deep\n", r"deep\.py:2: cannot be imported: ZeroDivisionError"),
    "no Python": ("def thorny(:\n", r"\.py:1: cannot be imported: invalid syntax"),
    "without what it promises": ("OTHER = 1\n", "no object in|has no attribute"),
    "not there": (None, r"cannot be imported: ModuleNotFoundError"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_one_is_named_with_its_package_and_the_others_go_on(case, hedge, here):
    text, says = BROKEN[case]
    (hedge / "deep.py").write_text("ONE = 1\nONE / 0\n")
    for file in ("all_measures.py", "thorny.py"):
        (hedge / file).unlink()
        if text is not None:
            (hedge / file).write_text(text)
    known_anew()
    with pytest.raises(ConfigError, match=rf"^the package hedgerow 1\.4.*({says})") as raised:
        discover.find("sae.architectures", "thorny")
    assert "\n" not in str(raised.value)
    assert discover.find("sae.architectures", "topk").__name__ == "TopK"
    with pytest.warns(discover.LeftOutWarning, match=rf"^prickles is left out: the package hedgerow 1\.4.*({says})"):
        measures = discover.find_all("sae.measures")
    assert "prickles" not in measures and "l0" in measures
    # nor is the plan of a run that uses nothing of it but the data
    (here.experiments / "hedge.toml").write_text(EXPERIMENT.replace('"thorny"', '"topk"'))
    assert [len(chain.stages) for chain in plan(experiment(here))] == [4]


def test_what_is_left_out_is_one_line_of_a_command(hedge, monkeypatch, capsys):
    (hedge / "all_measures.py").write_text("1 / 0\n")
    monkeypatch.setattr("analysis.cli.main.app", lambda: discover.find_all("sae.measures"))
    monkeypatch.setattr("analysis.cli.main.signals.install", lambda: None)
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        main()
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and said.startswith("note: prickles is left out: the package hedgerow 1.4: ")


def test_two_of_one_name_are_refused_naming_both_and_only_where_it_is_asked_for(hedge, site, here):
    install(site, "briar", "0.2", {"architectures": "thorny = briar_arch", "figures": "leaves = briar_leaves"})
    known_anew()
    both = r"thorny is in strata.architectures twice: .*(hedgerow 1\.4.* and briar 0\.2|briar 0\.2.* and hedgerow 1\.4)"
    with pytest.raises(ConfigError, match=both):
        discover.find("sae.architectures", "thorny")
    with pytest.raises(ConfigError, match=both):
        plan(experiment(here))
    with pytest.raises(RenderError, match=r"index.qmd:5: .*leaves is in strata.figures twice: .*briar 0\.2"):
        draw_all(asked([here.root / "index.qmd"], here.root), None, History(()), here)
    assert discover.find("sae.architectures", "gated")


def test_a_package_cannot_take_the_place_of_what_the_tool_or_the_project_has(site, tmp_path):
    install(site, "sneaky", "9", {"architectures": "topk = sneaky_arch", "datasets": "mine = sneaky_data"})
    known_anew()
    with pytest.raises(ConfigError, match=r"topk is in .* twice: sneaky 9 \(sneaky_arch\) and sae.architectures.topk"):
        discover.find("sae.architectures", "topk")
    (tmp_path / "mine.py").write_text("def mine():\n    pass\n")
    with pytest.raises(ConfigError, match=r"mine.py: there is a mine in analysis.run.datasets already \(of sneaky 9\)"):
        discover.add_folder("analysis.run.datasets", tmp_path)


def test_the_same_thing_of_a_package_that_is_listed_twice_is_one(site):
    for package in ("twin-a", "twin-b"):
        install(site, package, "1", {"hosts": "pair = twin_host"}, {"twin_host.py": "class Pair:\n    pass\n"})
    known_anew()
    assert discover.find("analysis.run.hosts", "pair").__name__ == "Pair"
