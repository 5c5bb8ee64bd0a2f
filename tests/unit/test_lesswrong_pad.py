"""The pad on which one draws, in a post: its worked picture, or with `--widgets` the pad itself, in a small frame."""

from __future__ import annotations

import base64
import html
import re

import pytest
from lesswrong_project import BASE, compose_all, make_site

from analysis.pages.draw import data_uri
from analysis.site.jinja import environment
from analysis.site.lesswrong import kit, widgets
from analysis.site.lesswrong.rich import rich

CELLS = '<span class="digits line" aria-hidden="true"></span>'


def pad(small, page="/report/more.qmd"):
    """The part of a page as the build writes it, around a picture of nothing."""
    from markupsafe import Markup

    answer = {"answer": "4", "sure": "97%", "latents": [{"number": 12, "name": "some 4s", "cells": Markup(CELLS)}]}
    image = data_uri(base64.b64encode(bytes(range(196)) * 4).decode(), (28, 28))
    worked = {"image": image, "label": "4", "example": 9, "trained": answer, "random": {"answer": "7", "sure": "11%"}}
    return environment().get_template("draw.html").render(
        small=small, digits=[{"place": 0, "label": "4", "example": 9, "image": image}], networks=["trained", "random"],
        page=page, explorer="/report/explorer.qmd", set="site", height=28, width=28, depth=3, worked=[worked],
    )  # fmt: skip


@pytest.fixture
def site(tmp_path):
    return make_site(
        tmp_path / "p", f"---\ntitle: T\n---\n\n## S\n\nBefore.\n\n```{{=html}}\n{pad(True)}\n```\n\nAfter.\n"
    )


def test_a_post_holds_the_worked_picture_and_no_control(site):
    made = compose_all(site, "s")["s"]
    text = rich(made.post)
    assert made.context.problems == [] and text.count("<img") == 1
    assert "The trained network says <strong>4</strong>, 97% sure." in text and "latent 12, some 4s" in text
    assert f'<a href="{BASE}/report/more.html">On a page of its own</a> you can draw' in text
    assert not any(word in text for word in ("Undo", "<script", "canvas", "waits for"))
    kit.export(site, ["s"])


def test_the_pad_itself_is_a_small_frame_whose_files_lie_on_the_site(site):
    text = rich(compose_all(site, "s", live=True)["s"].post)
    (document,) = (html.unescape(one) for one in re.findall(r'srcdoc="([^"]*)"', text))
    assert 'sandbox="allow-scripts"' in text and len(document.encode()) < widgets.MAX_BYTES // 2
    assert f'<script type="module" src="{BASE}/report/assets/draw/page.js">' in document
    assert "<a" not in document and "data-digit" not in document  # links lead nowhere, and digits would fill it
    assert document.count("<canvas") == 2 and "dr-test" in document
    kit.export(site, ["s"], live=True)


def test_the_large_pad_goes_into_a_post_too(tmp_path):
    page = f"---\ntitle: T\n---\n\n## S\n\n```{{=html}}\n{pad(False)}\n```\n"
    made = compose_all(make_site(tmp_path / "p", page), "s", live=True)["s"]
    assert made.context.problems == [] and "<iframe" not in rich(made.post)
    assert "Three challenges" not in rich(made.post)
