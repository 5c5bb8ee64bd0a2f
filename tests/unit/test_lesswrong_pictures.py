"""Pictures: white, wide enough, pixels doubled, words drawn beside them."""

from __future__ import annotations

import base64
import io
from types import SimpleNamespace

import numpy as np
import pytest
from lesswrong_project import BASE, SPEC, compose_all, make_site
from PIL import Image

from analysis.site.lesswrong import canvas, figures, grids, widgets
from analysis.site.lesswrong.canvas import Line
from analysis.site.lesswrong.grids import Sprites
from analysis.site.lesswrong.lints import picture_faults
from analysis.site.lesswrong.markup import parse
from analysis.site.lesswrong.pictures import MIN_WIDTH, Panel, Pictures
from sae.errors import RenderError


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory):
    return make_site(tmp_path_factory.mktemp("site")).root


@pytest.fixture
def pictures(root):
    return Pictures(root, BASE)


def array(image: Image.Image) -> np.ndarray:
    return np.asarray(image.convert("L")).astype(int)


def test_a_cell_of_a_sprite_has_every_pixel_doubled(root):
    with Image.open(root / "report/assets/generated/explorer/site/sprite.webp") as sprite:
        source = array(sprite)[:28, 28:56]
    cell = array(Sprites(root).cell("site", 1, 0))
    assert cell.shape == (56, 56)
    assert (cell == source.repeat(2, axis=0).repeat(2, axis=1)).all()


def test_a_grid_holds_its_cells_unchanged_with_a_bar_for_each(root):
    html = '<div class="digits driven"><i style="--x:0;--y:0;--a:100%"></i><i style="--x:1;--y:0;--a:50%"></i></div>'
    block = grids.digits(parse(html).elements[0], Sprites(root))
    assert block.size == (56 + 2 + 56, 56 + 12)
    assert (array(block)[:56, 58:] == array(Sprites(root).cell("site", 1, 0))).all()
    bar = np.asarray(block)[56 + 4]
    orange = (bar == (184, 78, 0)).all(axis=1)
    assert orange[:56].sum() == 56 and orange[58:].sum() == 28


@pytest.mark.parametrize("damage", ["cut", "broken", "text", "latin.svg", "data:image/png;base64,iVBORw0KGgo="])
def test_a_damaged_picture_is_a_problem_with_its_name(tmp_path, damage):
    drawn = io.BytesIO()
    Image.effect_noise((40, 40), 80).save(drawn, "png")
    whole = drawn.getvalue()
    content = {
        "cut": whole[:300],
        "broken": whole[:40] + b"xx" + whole[42:],
        "text": b"words",
        "latin.svg": b"<svg>\xe9",
    }
    path = tmp_path / damage.rpartition("/")[2]
    path.write_bytes(content.get(damage, b""))
    context = SimpleNamespace(addresses=SimpleNamespace(local=lambda src, page: path), path="a.qmd", problems=[])
    assert figures.picture(damage, context) is None
    (problem,) = context.problems
    assert problem.startswith(f"the picture {damage[:30]}") and "cannot be read" in problem and "\n" not in problem


def test_a_missing_sprite_or_cell_is_an_error(root):
    with pytest.raises(RenderError, match="no sprite of fashion"):
        Sprites(root).cell("fashion", 0, 0)
    with pytest.raises(RenderError, match="no cell 0, 9"):
        Sprites(root).cell("site", 0, 9)


@pytest.mark.parametrize("name", ["depth-grid", "name-sample"])
def test_grids_of_every_kind_become_one_picture(root, name):
    rows = {
        "depth-grid": '<div class="grid-row"><div class="grid-head"><b>Depth 1</b></div><div class="latent-step">'
        '<div class="digits"><i style="--x:0;--y:0"></i></div><div class="latent-words"><b>5s</b><p>made of 1 × 0.7</p>'
        '</div></div></div><div class="grid-row"><div class="grid-head"><b>Depth 2</b></div><p>Nothing.</p></div>',
        "name-sample": '<div class="sample-head">Neurons</div><div class="sample-row"><p><b>1s</b>, 0.92</p>'
        '<div class="bands"><div class="band"><div class="digits driven line"><i style="--x:0;--y:0;--a:9%"></i></div>'
        "<span>strongest</span></div></div></div>",
    }
    element = parse(f'<div class="{name}">{rows[name]}</div>').elements[0]
    assert grids.is_grid(element)
    image = grids.compose(element, Sprites(root))
    assert image.width >= MIN_WIDTH and (array(image)[0] == 255).all()


def test_pictures_within_a_cell_are_as_large_as_on_the_page():
    data = io.BytesIO()
    Image.new("L", (28, 28), 90).save(data, "png")
    src = "data:image/png;base64," + base64.b64encode(data.getvalue()).decode()
    element = parse(f'<img src="{src}" width="56">').elements[0]
    assert grids.picture(element).size == (112, 112)
    with pytest.raises(RenderError, match="not in the page"):
        grids.picture(parse('<img src="/a.png">').elements[0])


def test_a_chart_is_white_and_wide_enough(pictures):
    image = pictures.chart(SPEC)
    assert image.mode == "RGB" and image.width >= MIN_WIDTH
    assert image.getpixel((0, 0)) == (255, 255, 255)


def test_svg_takes_the_light_theme(pictures):
    svg = '<svg viewBox="0 0 10 10" width="400" height="400"><rect width="10" height="10" fill="var(--c2)"/></svg>'
    image = pictures.svg(parse(svg).elements[0])
    assert image.size == (800, 800) and image.getpixel((400, 400)) == (184, 78, 0)


def test_what_is_half_transparent_in_an_svg_keeps_its_hue(pictures):
    rect = '<rect width="10" height="10" fill="var(--c2)" fill-opacity=".5"/>'
    image = pictures.svg(parse(f'<svg viewBox="0 0 10 10" width="40" height="40">{rect}</svg>').elements[0])
    assert image.getpixel((40, 40)) == pytest.approx((219, 166, 127), abs=3)


def test_a_small_picture_grows_by_whole_pixels_and_loses_its_transparency(pictures):
    small = Image.new("RGBA", (100, 50), (0, 0, 0, 0))
    small.putpixel((0, 0), (255, 0, 0, 255))
    src, image = pictures.publish(small, "x")
    assert image.size == (700, 350) and src.startswith(f"{BASE}/lesswrong/img/x-")
    assert image.getpixel((6, 6)) == (255, 0, 0) and image.getpixel((7, 7)) == (255, 255, 255)
    assert picture_faults(pictures.files) == []


def test_a_changed_picture_has_another_name(pictures):
    one, _ = pictures.publish(Image.new("RGB", (700, 10), "red"), "x")
    two, _ = pictures.publish(Image.new("RGB", (700, 10), "blue"), "x")
    assert one != two and len(pictures.files) == 2


def test_several_pictures_become_one(pictures):
    panels = [Panel(Image.new("RGB", (200, 100), colour), colour, label=f"({colour[0]})") for colour in ("red", "blue")]
    joined = pictures.joined(panels, 2)
    assert joined.alt == "red; blue" and joined.image.size[0] == 200 * 2 + 32 + 2 * 16


def test_picture_faults():
    small = io.BytesIO()
    Image.new("RGB", (100, 10)).save(small, "png")
    (fault,) = picture_faults({"img/x.png": small.getvalue()})
    assert "100 pixels wide" in fault
    wide = io.BytesIO()
    Image.new("RGB", (700, 10)).save(wide, "png")
    (fault,) = picture_faults({"img/x.png": wide.getvalue() + b"\0" * 10_000_000})
    assert "at most 10000000" in fault


def test_words_are_wrapped_and_a_sign_stays_with_its_number():
    assert canvas.wrapped(Line("aaa bbb"), 10) == ["aaa", "bbb"]
    assert canvas.wrapped(Line("a × 0.7"), 10)[-1] == "×\xa00.7"
    assert canvas.words([], 50).size == (50, 1)


def test_a_widget_is_small_and_says_what_it_shows():
    file, text = widgets.spec_file("fig-x", SPEC)
    document = widgets.document(BASE, file, 'One "point"')
    assert text.startswith("window.strataSpec={") and file.startswith("widgets/fig-x-")
    assert len(document.encode()) < widgets.MAX_BYTES and 'aria-label="One &quot;point&quot;"' in document


def test_pictures_of_other_hosts_and_files_that_are_not_there_are_problems(tmp_path):
    raw = '```{=html}\n<img src="/no.png" alt="b">\n```'
    page = f"---\ntitle: T\n---\n\n## S\n\n![a](https://other.example/x.png) and\n\n{raw}\n"
    made = compose_all(make_site(tmp_path / "p", page), "s")["s"]
    outside, missing = made.context.problems
    assert "https://other.example/x.png: it lies outside the site" in outside and "no such file" in missing


def test_images_in_cells_are_left_out_with_a_note(tmp_path):
    html = (
        '<table data-quarto-disable-processing="true"><thead><tr><th>name</th><th>images</th></tr></thead>'
        '<tbody><tr><td>a</td><td><div class="digits line">'
        '<i style="--x:0;--y:0"></i></div></td></tr></tbody></table>'
    )
    page = f"---\ntitle: T\n---\n\n## S\n\n```{{=html}}\n{html}\n```\n"
    made = compose_all(make_site(tmp_path / "p", page), "s")["s"]
    assert made.post.remarks == ("images in cells of a table are left out: images",)
    table, note = made.post.blocks
    assert len(table.head) == 1 and "The images in this table (images) are" in str(note)


def test_a_cell_in_colour_of_another_shape_is_cut_by_what_it_says(tmp_path):
    sprite = tmp_path / "report/assets/generated/explorer/site/sprite.webp"
    sprite.parent.mkdir(parents=True)
    whole = np.zeros((12, 16, 3), np.uint8)
    whole[6:, 8:] = (200, 30, 90)
    Image.fromarray(whole).save(sprite, lossless=True)
    block = grids.digits(parse('<div class="digits"><i style="--x:1;--y:1;--n:2;--r:0.75"></i></div>').elements[0],
                         Sprites(tmp_path))  # fmt: skip
    assert block.size == (16, 12) and (np.asarray(block) == (200, 30, 90)).all()


def test_a_drawing_with_data_for_a_script_of_the_page_is_a_picture_and_a_program_is_a_problem(tmp_path):
    picture = '<div class="slider"><svg aria-label="Bars" viewBox="0 0 40 20"><rect width="9" height="9"/></svg>'
    for kind, problems in (("application/json", []), ("module", ["a script: a paste drops it"])):
        body = f'```{{=html}}\n{picture}<script type="{kind}">{{"a": 1}}</script></div>\n```'
        page = f'---\ntitle: T\n---\n\n## S\n\n::: {{#fig-s fig-alt="Bars"}}\n\n{body}\n\nHow to read it.\n\n:::\n'
        made = compose_all(make_site(tmp_path / kind, page))["s"]
        assert made.context.problems == problems
        assert [figure.alt for figure in made.post.figures] == ["Bars"]
