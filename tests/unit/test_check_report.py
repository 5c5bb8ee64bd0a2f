"""The command `strata check` around its checks: programs from npm, Quarto, what is printed, when it fails."""

from __future__ import annotations

import itertools
import json
import re
import shutil
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from analysis.cli.check import app
from analysis.plan.paths import Paths
from analysis.site.check import browser, lighthouse, node_tools, survey, validity, visits
from analysis.site.check.findings import Finding, grouped
from analysis.site.check.folder import read
from analysis.site.check.printed import as_json, text
from analysis.site.check.survey import Checked
from analysis.site.render import render_by_quarto
from sae.errors import RenderError

SAID: list[str] = []
URL = "https://example.org/some/site"
PAGE = """<!DOCTYPE html><html lang="en"><head><title>A page</title></head>
<body><h1>A page</h1><a href="{root}one.html">one</a></body></html>"""


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    """A project with three pages in `_site`, as if it had been rendered."""
    made = Paths((tmp_path / "project").resolve())
    made.site.mkdir(parents=True)
    (made.root / "_quarto.yml").write_text(f"website:\n  site-url: {URL}\n")
    for name, root in {"index.html": "./", "one.html": "", "404.html": "/some/site/"}.items():
        (made.site / name).write_text(PAGE.replace("{root}", root))
    (made.site / "sitemap.xml").write_text(
        '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">'
        f"<url><loc>{URL}/</loc></url><url><loc>{URL}/one.html</loc></url></urlset>"
    )
    monkeypatch.setenv("STRATA_ROOT", str(made.root))
    return made


def put_program(folder: Path, name: str, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program on PATH, the only one of its name."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither npm nor Quarto nor a browser is on PATH."""
    monkeypatch.setenv("PATH", "/nowhere")


# --- findings and print ---


def test_findings_are_grouped_the_most_general_first() -> None:
    made = [Finding("a", "rare", "x"), *(Finding(page, "common", "y") for page in "abc"), Finding("a", "rare", "x")]
    assert [(group.kind, group.pages, group.places) for group in grouped(made)] == [("common", 3, 3), ("rare", 1, 2)]
    assert grouped(made)[1].lines == (("a", "x", 2),)


def test_the_report_names_pages_and_reasons_and_says_what_was_left_out() -> None:
    found = [Finding(f"{n}.html", "axe: image-alt", "no words") for n in range(5)]
    found.append(Finding("0.html", "html: x", "theirs", note=True))
    one = Checked("_site", "embedded", 5, found, done=["links and tags"], skipped={"browser": "--no-browser"})
    lines = text([one], {"real Quarto": "no `quarto` on PATH"}, most=2).splitlines()
    at = lines.index("FAILED axe: image-alt (5 pages, 5 places)")
    assert lines[at + 1 : at + 4] == ["  0.html: no words", "  1.html: no words", "  and 3 more"]
    assert "note html: x (1 page, 1 place)" in lines
    assert lines[-1] == (
        "5 failures; checked _site (5 pages): links and tags; "
        "skipped browser: --no-browser, real Quarto: no `quarto` on PATH"
    )
    values = as_json([one], {})
    assert not values["ok"] and len(values["sites"][0]["failures"]) == 5 and len(values["sites"][0]["notes"]) == 1


# --- programs from npm ---

NPM = """echo "$PUPPETEER_SKIP_DOWNLOAD $*" >> ../../calls
mkdir -p node_modules/.bin && touch node_modules/.bin/html-validate"""


def test_a_program_is_installed_once_and_again_when_its_version_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_program(tmp_path / "bin", "npm", NPM, monkeypatch)
    said: list[str] = []
    for _ in range(2):
        found = node_tools.program(tmp_path, "html-validate", said.append)
    assert found.is_file() and len(said) == 1
    calls = (tmp_path / "calls").read_text()
    assert calls.startswith("1 ci --ignore-scripts") and calls.count("\n") == 1
    (tmp_path / "node/html-validate/.installed").write_text("another version")
    node_tools.program(tmp_path, "html-validate", said.append)
    assert len(said) == 2


def test_without_npm_or_where_it_fails_there_is_a_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_program(tmp_path / "bin", "npm", "echo no such registry >&2; exit 1", monkeypatch)
    with pytest.raises(node_tools.BrokenToolError, match="no such registry"):
        node_tools.program(tmp_path, "html-validate", SAID.append)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(node_tools.MissingToolError, match="no `npm` on PATH"):
        node_tools.program(tmp_path, "html-validate", SAID.append)


@pytest.mark.parametrize("name", [validity.NAME, lighthouse.NAME])
def test_versions_are_exact_every_package_has_a_digest_and_no_registry_is_named(name: str) -> None:
    manifest, lock = ((node_tools.MANIFESTS / f"{name}{end}").read_text() for end in (".json", ".lock.json"))
    asked, packages = json.loads(manifest)["dependencies"], json.loads(lock)["packages"]
    for version in asked.values():
        assert version.replace(".", "").isdigit(), version
    assert packages.pop("")["dependencies"] == asked
    assert {one: packages[f"node_modules/{one}"]["version"] for one in asked} == asked
    for place, package in packages.items():
        assert re.fullmatch(r"sha512-[A-Za-z0-9+/]{86}==", package["integrity"]), place
        assert not {"resolved", "hasInstallScript", "link"} & set(package), place
    assert "://" not in manifest + lock


def test_what_npm_says_of_a_wrong_digest_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = "printf 'npm error code EINTEGRITY\\nnpm error Verification failed while extracting kleur\\n' >&2; exit 1"
    put_program(tmp_path / "bin", "npm", said, monkeypatch)
    with pytest.raises(node_tools.BrokenToolError, match="EINTEGRITY Verification failed while extracting kleur"):
        node_tools.program(tmp_path, "html-validate", SAID.append)


def test_a_long_answer_is_read_whole_though_node_exits_at_once(tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed: what it does to pipes cannot be tried")
    script = "process.stdout.write(JSON.stringify(Array(300000).fill('long')), () => 0); process.exit(3)"
    code, out, log = node_tools.output([node, "-e", script], tmp_path)
    assert (code, len(json.loads(out)), log) == (3, 300_000, "")


def test_a_program_that_does_not_start_or_end_is_told(tmp_path: Path) -> None:
    assert node_tools.output(["/nowhere/at/all"], tmp_path) == (-1, "", "does not start: No such file or directory")
    assert node_tools.output(["sleep", "60"], tmp_path, seconds=0.1) == (-1, "", "did not end within 0.1 seconds")


def test_every_rule_that_is_off_says_why_above_it() -> None:
    lines = (node_tools.MANIFESTS / "html-validate.cjs").read_text().splitlines()
    for above, line in itertools.pairwise(lines):
        if '"off"' in line or '["error", {' in line:
            assert above.strip().startswith("//"), line


# --- HTML ---


def told(folder: Path, offset: int) -> list[dict[str, object]]:
    message = {"ruleId": "no-dup-attr", "message": "twice", "offset": offset, "line": 3, "selector": "html > p"}
    return [{"filePath": str(folder / "index.html"), "messages": [message]}]


def test_what_html_validate_says_is_a_failure_and_on_quartos_own_markup_a_note(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<html><nav></nav><main><p></main></html>")
    (one,) = validity.read(read(tmp_path, ""), told(tmp_path.resolve(), 8))
    assert one == Finding("index.html", "html: no-dup-attr", "line 3: twice (html > p)")
    (tmp_path / "site_libs/quarto-html").mkdir(parents=True)
    (tmp_path / "site_libs/quarto-html/x.js").write_text("")
    outside, inside = (next(validity.read(read(tmp_path, ""), told(tmp_path.resolve(), offset))) for offset in (8, 25))
    assert outside.note and not inside.note


def test_a_program_that_does_not_run_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "index.html").write_text("<html>")
    put_program(tmp_path / "bin", "html-validate", "echo your node is too old >&2; exit 1", monkeypatch)
    monkeypatch.setattr(validity, "program", lambda *_: tmp_path / "bin/html-validate")
    (one,) = validity.findings(read(tmp_path, ""), tmp_path, SAID.append)
    assert "your node is too old" in one.message and not one.note


def test_every_page_is_looked_at_whatever_its_file_is_called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("index.html", "a[1].html", "b*?.html", "{c,d}.html"):
        (tmp_path / name).write_text("<html>")
    put_program(tmp_path / "bin", "html-validate", f"printf '%s\\n' \"$@\" > {tmp_path}/asked; echo []", monkeypatch)
    monkeypatch.setattr(validity, "program", lambda *_: tmp_path / "bin/html-validate")
    assert validity.findings(read(tmp_path, ""), tmp_path, SAID.append) == []
    asked = (tmp_path / "asked").read_text().splitlines()[4:]
    # by the rules of the program's own patterns a backslash takes the meaning from the sign behind it
    assert asked == [r"./a\[1\].html", r"./b\*\?.html", "./index.html", r"./\{c,d\}.html"]


# --- Lighthouse ---


def test_scores_below_the_least_fail_but_for_performance() -> None:
    audit = {"title": "Links have names", "score": 0, "scoreDisplayMode": "binary"}
    category = {"score": 0.9, "auditRefs": [{"id": "link-name", "weight": 3}, {"id": "told", "weight": 0}]}
    report = {
        "categories": dict.fromkeys(lighthouse.CATEGORIES, category),
        "audits": {"link-name": audit, "told": audit},
    }
    report["categories"] |= {"seo": category | {"score": 0.95}}
    scores = lighthouse.read("index.html", report)
    assert scores.by_category == {"performance": 90, "accessibility": 90, "best-practices": 90, "seo": 95}
    assert [one.message for one in lighthouse.findings(scores)] == [
        f"{name}: 90, 95 is the least; Links have names" for name in ("accessibility", "best-practices")
    ]


def test_lighthouse_without_one_of_its_pages_is_a_failure(paths: Paths) -> None:
    folder = read(paths.site, URL, "one.html")
    scores, (one,) = lighthouse.score(folder, "", paths.root, paths.build, SAID.append)
    assert scores == [] and not one.note and "none of its pages" in one.message


@pytest.mark.parametrize("npm", [None, "echo no such registry >&2; exit 1"])
def test_lighthouse_asked_for_and_not_to_be_had_is_a_failure(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, npm: str | None
) -> None:
    if npm:
        put_program(tmp_path / "bin", "npm", npm, monkeypatch)
    else:
        monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(browser, "executable", lambda: Path("/bin/false"))
    code, said = call("--no-quarto", "--lighthouse")
    assert code == 1 and "FAILED lighthouse" in said and ", Lighthouse" not in said.splitlines()[-1]
    # without npm the HTML is left out with a reason; with one that fails that is a failure too
    assert ("FAILED html" in said) == bool(npm) and ("skipped HTML validity" in said) == (npm is None)


# --- Quarto ---

QUARTO = """echo "$STRATA_BUILT $*" > calls
mkdir -p build/quarto-site/site_libs/quarto-html && cp _site/index.html build/quarto-site
touch build/quarto-site/site_libs/quarto-html/quarto.js"""


def test_quarto_renders_into_a_folder_of_its_own(paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = sorted(paths.site.rglob("*"))
    put_program(tmp_path / "bin", "quarto", QUARTO, monkeypatch)
    render_by_quarto(paths, paths.build / "quarto-site")
    assert (paths.root / "calls").read_text().strip() == "1 render --output-dir build/quarto-site"
    assert sorted(paths.site.rglob("*")) == before
    render_by_quarto(paths)
    assert (paths.root / "calls").read_text().strip() == "1 render"


def test_a_warning_of_quarto_is_an_error(paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_program(tmp_path / "bin", "quarto", "echo WARN: Unable to resolve link target", monkeypatch)
    with pytest.raises(RenderError, match="Unable to resolve"):
        render_by_quarto(paths, paths.build / "quarto-site")


def test_what_was_found_is_told_beside_a_warning_of_quarto(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(survey.validity, "program", _no_program)
    put_program(tmp_path / "bin", "quarto", "echo WARN: Unable to resolve link target", monkeypatch)
    (paths.site / "one.html").unlink()
    code, said = call()
    assert code == 1 and "FAILED link that leads nowhere" in said and "Unable to resolve link target" in said
    code, said = call("--json")
    first, second = json.loads(said)["sites"]
    assert code == 1 and first["failures"] and second["folder"] == "build/quarto-site"
    assert [(one["kind"], "WARN" in one["message"]) for one in second["failures"]] == [("real Quarto", True)]


# --- the command ---


def call(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, [*words, "--no-browser"], catch_exceptions=False)
    return done.exit_code, done.stdout


def test_a_sound_site_passes_and_a_broken_one_fails_with_the_reason(paths: Paths, alone: None) -> None:
    code, said = call()
    assert code == 0, said
    assert said.splitlines()[-1] == (
        "no failure; checked _site (3 pages): links and tags, budgets without the first view, "
        "sources for Quarto; "
        "skipped HTML validity: no `npm` on PATH to install html-validate with, browser: --no-browser, "
        "Lighthouse: not asked for (--lighthouse), real Quarto: no `quarto` on PATH"
    )
    (paths.site / "one.html").unlink()
    code, said = call()
    assert code == 1 and "FAILED link that leads nowhere (2 pages" in said and "  404.html: " in said
    code, said = call("--json", "--pages", "index.html")
    assert code == 1
    assert {one["page"] for one in json.loads(said)["sites"][0]["failures"]} == {"index.html", "sitemap.xml"}


def test_another_folder_can_be_named(paths: Paths, alone: None, tmp_path: Path) -> None:
    paths.site.rename(tmp_path / "elsewhere")
    code, said = call(str(tmp_path / "elsewhere"))
    assert code == 0 and "checked elsewhere (3 pages)" in said
    with pytest.raises(RenderError, match="strata render"):
        call()


def test_quarto_is_used_where_it_is_and_refused_where_it_is_asked_for_and_missing(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(survey.validity, "program", _no_program)
    put_program(tmp_path / "bin", "quarto", QUARTO, monkeypatch)
    code, said = call()  # the stand-in copies a page without those it leads to
    assert code == 1 and "build/quarto-site: 1 pages of the quarto renderer" in said
    assert "real Quarto: --no-quarto" in call("--no-quarto")[1]
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(RenderError, match="no `quarto` on PATH"):
        call("--quarto")


def _no_program(*_: object) -> Path:
    raise node_tools.MissingToolError("not here")


def test_a_missing_browser_is_a_failure_that_says_how_to_get_one(
    paths: Paths, alone: None, monkeypatch: pytest.MonkeyPatch
) -> None:

    def none() -> Path:
        raise RenderError(browser.MISSING)

    monkeypatch.setattr(browser, "executable", none)
    done = CliRunner().invoke(app, [], catch_exceptions=False)
    assert done.exit_code == 1 and "Debian's package `chromium`" in done.stdout


def test_a_check_that_breaks_down_is_a_failure_of_its_page() -> None:
    try:
        json.loads("{")
    except ValueError as error:
        one = visits.crashed("index.html", error)
    assert one.page == "index.html" and one.message.startswith("JSONDecodeError in ") and not one.note


def test_the_command_is_part_of_strata() -> None:
    from analysis.cli.main import app as whole

    assert "check" in typer.main.get_command(whole).commands  # type: ignore[attr-defined]
