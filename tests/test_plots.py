"""mlpc.plots: one SVG per figure, the same bytes each time, in colours that the book knows how to darken."""

import io
import re
import subprocess
import sys
from xml.etree import ElementTree

import matplotlib as mpl
import numpy as np
import pytest

from mlpc import plots

ALT = "A straight line from the origin to the point (1, 2), drawn for the sake of the test."
SVG = "{http://www.w3.org/2000/svg}"
HEX = re.compile(r"#[0-9a-f]{6}\b")
AXIS = np.linspace(-6, 6, 241)


@pytest.fixture(autouse=True)
def settings():
    with mpl.rc_context():
        yield


def bell(x, y):
    """A Gaussian density in the plane, with variances 1 and 4, up to a factor."""
    return np.exp(-(x**2 + y[:, None] ** 2 / 4) / 2)


def everything():
    """A figure that holds every form, a band, a label and a power law."""
    fig, (left, right) = plots.figure(height=3.0, columns=2)
    for height, meaning in enumerate(plots.MEANINGS):
        plots.line(left, [0, 1], [height, height + 1], meaning, label=meaning)
    plots.band(left, [0, 1], [0, 1], [1, 2], "prior")
    plots.power_law(right, [1, 2, 4], [1, 4, 16], "posterior", "solve")
    plots.ellipse(left, [1, 1], np.eye(2), "data", label="ellipse")
    plots.histogram(left, [0.0, 1.0, 1.5], "objective", curve=np.zeros_like)
    plots.density(left, AXIS, AXIS, bell(AXIS, AXIS), "failure")
    left.set(xlabel="time $t$ [s]", ylabel="state")
    left.grid(True)
    left.text(0, 0, "plain matplotlib")
    return fig


def test_importing_the_package_does_not_import_matplotlib():
    code = "import sys, mlpc; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_light_and_dark_speak_of_the_same_meanings_in_different_colours():
    assert plots.COLORS.keys() == plots.DARK.keys()
    light, dark = list(plots.COLORS.values()), list(plots.DARK.values())
    assert len({*light, *dark}) == len(light) + len(dark)
    assert all(HEX.fullmatch(color) for color in light + dark)
    assert set(plots.MEANINGS) <= set(plots.COLORS)


def luminance(color: str) -> float:
    """Relative luminance as WCAG defines it."""
    channels = np.array([int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


@pytest.mark.parametrize(("palette", "paper"), [(plots.COLORS, "#fdfcf9"), (plots.DARK, "#17191c")])
def test_text_can_be_read_on_the_page(palette, paper):
    low, high = sorted([luminance(palette["text"]), luminance(paper)])
    assert (high + 0.05) / (low + 0.05) >= 7


def test_no_two_meanings_share_a_form():
    forms = [
        (str(form["linestyle"]), form.get("marker"), form.get("linewidth")) for _, _, form in plots.MEANINGS.values()
    ]
    assert len(set(forms)) == len(forms)


def test_every_colour_of_a_drawing_belongs_to_the_palette():
    used = set(HEX.findall(plots.draw(everything(), alt=ALT).svg))
    assert used <= {*plots.COLORS.values(), "#ffffff"}
    assert {plots.COLORS[meaning] for meaning in plots.MEANINGS} <= used


def test_nothing_is_drawn_in_the_black_that_svg_assumes():
    root = ElementTree.fromstring(plots.draw(everything(), alt=ALT).svg)
    labels = [group for group in root.iter(f"{SVG}g") if group.get("id", "").startswith("text_")]
    assert labels
    assert all(plots.COLORS["text"] in ElementTree.tostring(label, "unicode") for label in labels)


def test_the_same_figure_gives_the_same_bytes():
    first, second = plots.draw(everything(), alt=ALT), plots.draw(everything(), alt=ALT)
    assert first == second
    assert not re.search(r"\d{4}-\d\d-\d\d", first.svg)


def test_the_drawing_is_as_wide_as_the_column_and_its_text_is_small_print():
    root = ElementTree.fromstring(plots.draw(everything(), alt=ALT).svg)
    assert root.get("width") == "480pt"  # 640 CSS pixels
    assert 12 <= mpl.rcParams["axes.labelsize"] * 4 / 3 <= 14.4


def test_the_alternative_text_is_in_the_drawing_and_in_the_notebook():
    drawing = plots.draw(everything(), alt=f"  {ALT}\n with n < 3 & more")
    assert drawing.alt == f"{ALT} with n < 3 & more"
    root = ElementTree.fromstring(drawing.svg)
    assert root.findtext(".//{http://purl.org/dc/elements/1.1/}description") == drawing.alt
    assert drawing._repr_mimebundle_() == {"image/svg+xml": drawing.svg, "text/plain": drawing.alt}


@pytest.mark.parametrize("alt", ["", "a figure", "x" * 39, "x" * 251, "   ".join("x" * 10)])
def test_an_alternative_text_that_says_too_little_or_too_much_is_refused(alt):
    with pytest.raises(ValueError, match="alt must say in 40 to 250 characters"):
        plots.draw(everything(), alt=alt)


def test_a_figure_from_elsewhere_is_refused():
    with pytest.raises(ValueError, match=r"not made by plots\.figure"):
        plots.draw(mpl.figure.Figure(), alt=ALT)


def test_show_displays_one_drawing_and_returns_nothing(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    assert plots.show(everything(), alt=ALT) is None
    assert [type(one) for one in shown] == [plots.Drawing]


@pytest.mark.parametrize("height", [0.5, 9.5])
def test_a_height_that_is_no_figure_is_refused(height):
    with pytest.raises(ValueError, match="between 1 and 9"):
        plots.figure(height=height)


def test_an_unknown_meaning_is_refused_with_the_known_ones():
    _, ax = plots.figure()
    with pytest.raises(ValueError, match=r"no colour means 'red'.*truth, data"):
        plots.line(ax, [0, 1], [0, 1], "red")


def test_axes_are_redrawn_with_the_same_limits_scales_and_labels():
    _, ax = plots.figure()
    plots.line(ax, [1, 10], [1, 100], "truth")
    ax.set(xscale="log", yscale="log", xlim=(0.5, 20), xlabel="$n$", ylabel="seconds")
    _, panels = plots.figure(columns=2, like=ax)
    for panel in panels:
        assert (panel.get_xlim(), panel.get_ylim()) == (ax.get_xlim(), ax.get_ylim())
        assert (panel.get_xscale(), panel.get_yscale()) == ("log", "log")
        assert (panel.get_xlabel(), panel.get_ylabel()) == ("$n$", "seconds")


def test_the_slope_of_a_power_law_is_that_of_a_fit_in_logarithms():
    rng = np.random.default_rng(0)
    x = np.geomspace(10, 1000, 9)
    y = 3e-9 * x**2.7 * np.exp(rng.normal(0, 0.05, 9))
    _, ax = plots.figure()
    slope = plots.power_law(ax, x, y, "failure", "again")
    design = np.stack([np.log(x), np.ones(9)], axis=1)
    assert slope == pytest.approx(np.linalg.lstsq(design, np.log(y))[0][0], rel=1e-10)
    assert ax.texts[0].get_text() == f"again\nslope {slope:.1f}"


@pytest.mark.parametrize(("x", "y"), [([1], [1]), ([1, 2], [1, 2, 3]), ([1, 2], [0, 1]), ([-1, 2], [1, 1])])
def test_a_power_law_needs_two_positive_pairs(x, y):
    _, ax = plots.figure()
    with pytest.raises(ValueError, match="two or more positive pairs"):
        plots.power_law(ax, x, y, "posterior", "update")


@pytest.mark.parametrize("mass", [0.3, 0.9, 0.99])
def test_the_ellipse_holds_its_share_of_the_law(mass):
    rng = np.random.default_rng(3)
    mean, cov = np.array([1.0, -2.0]), np.array([[4.0, 1.5], [1.5, 1.0]])
    _, ax = plots.figure()
    plots.ellipse(ax, mean, cov, "prior", mass=mass)
    inside = ax.patches[0].get_path().contains_points(rng.multivariate_normal(mean, cov, size=100_000))
    assert inside.mean() == pytest.approx(mass, abs=5 * np.sqrt(mass * (1 - mass) / 1e5))


def test_the_ellipse_of_a_singular_law_is_a_segment():
    _, ax = plots.figure()
    plots.ellipse(ax, [0, 0], [[1, 2], [2, 4]], "posterior")
    np.testing.assert_allclose(ax.lines[0].get_ydata(), 2 * ax.lines[0].get_xdata(), atol=1e-7)


def test_a_region_of_a_density_holds_its_share_and_is_the_smallest():
    _, ax = plots.figure()
    edges = plots.density(ax, AXIS, AXIS, bell(AXIS, AXIS), "posterior", mass=[0.5, 0.9])
    np.testing.assert_allclose(edges, [0.5, 0.1], atol=0.01)  # the density ends at 1 - mass of its peak
    assert len(ax.collections) == 4  # a region and its edge, twice


def test_the_colours_of_a_field_are_centred_on_zero_if_it_has_both_signs():
    _, (signed, positive) = plots.figure(columns=2)
    plots.field(signed, AXIS, AXIS, bell(AXIS, AXIS) - 0.25, "anomaly")
    plots.field(positive, AXIS, AXIS, bell(AXIS, AXIS), "density")
    (first,), (second,) = signed.collections, positive.collections
    assert (first.get_clim(), first.get_cmap().name) == ((-0.75, 0.75), "RdBu_r")
    assert (second.get_clim()[1], second.get_cmap().name) == (1.0, "cividis")
    assert first.get_rasterized()


def test_a_histogram_has_area_one_and_its_curve_spans_it():
    _, ax = plots.figure()
    plots.histogram(ax, np.random.default_rng(0).normal(size=500), "data", curve=lambda x: x**2, bins=20)
    assert sum(bar.get_width() * bar.get_height() for bar in ax.patches) == pytest.approx(1)
    x, y = ax.lines[0].get_data()
    np.testing.assert_array_equal(y, x**2)
    assert (x[0], x[-1]) == pytest.approx((ax.patches[0].get_x(), ax.patches[-1].get_x() + ax.patches[-1].get_width()))


def test_redrawing_adds_one_layer_per_panel():
    _, panels = plots.figure(columns=4)
    layers = [lambda ax, h=h: plots.line(ax, [0, 1], [h, h], "prior") for h in range(3)]
    plots.redraw(panels, *layers)
    assert [[line.get_ydata()[0] for line in ax.lines] for ax in panels] == [[0], [0, 1], [0, 1, 2], [0, 1, 2]]


def test_a_layer_that_no_panel_would_show_is_refused():
    _, panels = plots.figure(columns=2)
    with pytest.raises(ValueError, match=r"redraw\(\): 3 layers need as many axes, but there are 2"):
        plots.redraw(panels, *[lambda ax: None] * 3)


@pytest.mark.parametrize(
    ("cov", "mass", "message"),
    [
        (np.eye(3), 0.9, "needs a symmetric 2 × 2 covariance"),
        ([[1, 0.5], [0, 1]], 0.9, r"cov is \[\[1.0, 0.5\], \[0.0, 1.0\]\]"),
        (np.eye(2), 1.0, "mass 1.0"),
        ([[1, 2], [2, 1]], 0.9, "has the eigenvalue -1"),
    ],
)
def test_an_ellipse_of_what_is_no_covariance_is_refused(cov, mass, message):
    _, ax = plots.figure()
    with pytest.raises(ValueError, match=message):
        plots.ellipse(ax, [0, 0], cov, "prior", mass=mass)
    assert not ax.lines


def moving_dot():
    """A figure in which a dot moves to the right, and the function that moves it."""
    fig, ax = plots.figure(height=1.5)
    ax.set(xlim=(0, 10), ylim=(0, 1))
    dot = ax.plot([0], [0.5], animated=True, **plots.form("data"))[0]
    return fig, lambda frame: dot.set_xdata([frame])


def test_a_film_has_all_its_pictures_and_its_still_is_the_last():
    av = pytest.importorskip("av")
    fig, advance = moving_dot()
    film = plots.record(fig, advance, 8, alt=ALT)
    with av.open(io.BytesIO(film.video)) as file:
        pictures = np.array([frame.to_ndarray(format="gray").astype(float) for frame in file.decode(video=0)])
    dots = np.abs(pictures - np.median(pictures, axis=0)) > 40  # what is not in most of the pictures
    assert len(pictures) == 8
    assert np.all(np.diff([np.nonzero(dot)[1].mean() for dot in dots]) > 0)
    assert film.still.svg == plots.draw(fig, alt=ALT).svg


def test_a_film_waits_for_its_reader_and_fetches_nothing():
    pytest.importorskip("av")
    bundle = plots.record(*moving_dot(), 2, alt=ALT)._repr_mimebundle_()
    video = bundle["text/html"]
    assert " controls " in video
    assert "autoplay" not in video
    assert 'preload="none"' in video
    assert ALT in video
    assert not re.search(r'(?:src|poster)="(?!data:)', video)
    assert bundle["text/plain"] == ALT
    assert ALT in bundle["image/svg+xml"]


def test_the_same_pictures_make_the_same_film():
    pytest.importorskip("av")
    films = [plots.record(*moving_dot(), 3, alt=ALT) for _ in range(2)]
    assert films[0] == films[1]


@pytest.mark.parametrize(("frames", "alt", "said"), [(0, ALT, "at least one picture"), (3, "a dot", "40 to 250")])
def test_a_film_without_pictures_or_words_is_refused(frames, alt, said):
    pytest.importorskip("av")
    with pytest.raises(ValueError, match=said):
        plots.record(*moving_dot(), frames, alt=alt)
