"""Nothing that Strata prints steers the terminal, whoever wrote it."""

from __future__ import annotations

import signal
import sys
import unicodedata

import pytest

from analysis.cli import main as cli
from analysis.cli import saying
from analysis.run import listing
from analysis.run.pipeline import Progress
from analysis.system.terminal import shown
from sae.errors import ConfigError

STEERING = [
    "\x1b[2J",
    "\x07",
    "\x9b31m",
    "\r",
    "\x7f",
    "\u202e",
    "\u2066",
    "\u200f",
    "\u2028",
    "\ufeff",
    "\udc80",
    "\U000e0041",
]


@pytest.mark.parametrize("text", STEERING)
def test_what_steers_a_terminal_is_shown_as_an_escape(text):
    printed = shown(f"a{text}b")
    assert all(unicodedata.category(c) not in ("Cc", "Cf", "Cs") for c in printed)
    assert printed.startswith("a\\") and printed.endswith("b") and printed.isprintable()
    printed.encode("utf-8")


@pytest.mark.parametrize("text", ["Türme aus SAEs", "深さ 3", "مرحبا", "क्\u200dष", "👩\u200d🔬", "a\\x1b", ""])
def test_what_does_not_steer_it_stays(text):
    assert shown(text) == text


def test_a_name_stays_on_its_line_and_a_report_keeps_its_lines():
    assert shown("two\nlines\tof it") == "two\\nlines\\tof it"
    assert shown("two\nlines\tof \x1bit", line=False) == "two\nlines\tof \\x1bit"


def test_anything_can_be_shown():
    assert shown(ValueError("bad \x00")) == "bad \\x00"


HOSTILE = "quiet\x1b]0;owned\x07 \u202etitle\u2066\nexperiment  done"


def test_a_title_and_the_name_of_a_variant_stay_in_their_lines_of_the_list():
    run = {"run": "0a", "seed": 0, "control": "none", "state": "done", "seconds": 1.0, "variant": HOSTILE}
    row = {"experiment": "x", "title": HOSTILE, "state": "done", "stages_done": 1, "stages": 1, "seconds": 1.0,
           "results": "", "verdict": "", "runs": [run]}  # fmt: skip
    lines = listing.text([row], runs=True).splitlines()
    assert len(lines) == 2 and all(line.isprintable() and "\\x1b]0;owned" in line for line in lines)


def test_what_a_command_says_steers_no_terminal(capsys, monkeypatch):
    saying.write(HOSTILE)
    saying.say(HOSTILE)
    monkeypatch.setattr(cli, "app", lambda: (_ for _ in ()).throw(ConfigError(HOSTILE)))
    monkeypatch.setattr(cli.signals, "install", lambda: None)
    with pytest.raises(SystemExit, match="1"):
        cli.main()
    out, err = capsys.readouterr()
    assert out == shown(HOSTILE, line=False) + "\n"
    assert "\\u202etitle" in err and not set("\x1b\x07\u202e\u2066") & set(out + err)


def test_without_a_terminal_a_line_says_which_stage_is_done(capsys):
    with saying.progress_bar("run tiny") as tell:
        for done, seconds in ((3, 0.0), (3, 1.0), (5, 61.0), (6, 62.0)):
            tell(Progress(done, 6, seconds))
    assert capsys.readouterr().err.splitlines() == ["run tiny: 5 of 6 stages, 61 s", "run tiny: 6 of 6 stages, 62 s"]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 0)])
def test_a_server_that_is_told_to_end_says_by_what(monkeypatch, number, code):
    """It catches the interrupt, closes and returns; Ctrl-C is how it is meant to end."""
    monkeypatch.setattr(cli.signals, "install", lambda: None)
    monkeypatch.setattr(cli.signals, "_received", [number])
    monkeypatch.setattr(cli.signals.children, "kill_all", lambda: None)
    monkeypatch.setattr(cli.signals, "_say", lambda: None)
    monkeypatch.setattr(cli, "app", lambda: sys.exit(0))
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == code
