"""One visual language for every figure of the book: a colour and a line form mean the same thing on every page.

    fig, ax = plots.figure(height=2.4)
    plots.line(ax, n, seconds, "posterior", label="update")
    plots.show(fig, alt=f"Seconds against n: the update takes {seconds[-1]:.3f} s at the largest n.")

`COLORS` holds the light palette. The book exchanges its hex codes for those of `DARK` and so gets the dark twin of each
figure; other colours stay as they are. The text of a figure has the size of the page's small print when it is as
wide as the text column, which is what `figure` makes it.
"""

import base64
import html
import io
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter
from numpy.typing import ArrayLike

COLUMN = 20 / 3
"""Width of the text column, in inches (640 CSS pixels)."""

# meaning: colour on a light page, colour on a dark page, line form
MEANINGS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "truth": ("#1b1b1b", "#e9e9e9", {"linestyle": "-", "linewidth": 2.4}),
    "data": ("#e69f00", "#f0b429", {"linestyle": "none", "marker": "o", "markersize": 4.5}),
    "prior": ("#0072b2", "#56b4e9", {"linestyle": (0, (5, 2.2)), "linewidth": 1.7}),
    "posterior": ("#009e73", "#2cc295", {"linestyle": "-", "linewidth": 1.7}),
    "objective": ("#cc79a7", "#e39ac2", {"linestyle": (0, (6, 2, 1.2, 2)), "linewidth": 1.7}),
    "failure": ("#d55e00", "#ff8a3d", {"linestyle": (0, (1.2, 1.6)), "linewidth": 1.9, "marker": "x", "markersize": 5}),
    "peer": ("#767676", "#a3a3a3", {"linestyle": "-", "linewidth": 0.9}),
}
"""What each colour and form means. `prior` also stands for forecasts, `posterior` for analyses."""

COLORS = {**{meaning: light for meaning, (light, _, _) in MEANINGS.items()}, "text": "#33383d", "rule": "#c9cdd1"}
"""The light palette: the meanings, and the ink of words and axes."""

DARK = {**{meaning: dark for meaning, (_, dark, _) in MEANINGS.items()}, "text": "#cfd3d7", "rule": "#4a5057"}
"""The same on a dark page."""

STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "mathtext.fontset": "cm",
    **dict.fromkeys(["font.size", "axes.labelsize", "legend.fontsize"], 9.5),
    **dict.fromkeys(["xtick.labelsize", "ytick.labelsize"], 8.5),
    **dict.fromkeys(["text.color", "axes.labelcolor", "xtick.labelcolor", "ytick.labelcolor"], COLORS["text"]),
    **dict.fromkeys(["axes.edgecolor", "xtick.color", "ytick.color", "grid.color"], COLORS["rule"]),
    **dict.fromkeys(["axes.spines.top", "axes.spines.right", "legend.frameon"], False),
    "axes.facecolor": "none",
    "axes.axisbelow": True,
    "axes.prop_cycle": cycler(color=[COLORS["peer"]]),
    "svg.hashsalt": "mlpc",
    "svg.fonttype": "path",
}

FILM_DPI = 120
"""Dots per inch of a film; a CSS inch has 96."""
CONTROLS = 72
"""Pixels below a film's picture, where the player shows its controls."""

ALT_LENGTH = range(40, 251)
GROUND = "ground"
"""The `id` of the white rectangle behind a figure: notebooks need it, the book takes it away."""


@dataclass(frozen=True)
class Drawing:
    """A finished figure: what `show` hands to the notebook.

    >>> Drawing("<svg/>", "a line").alt
    'a line'
    """

    svg: str
    alt: str

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        return {"image/svg+xml": self.svg, "text/plain": self.alt}


@dataclass(frozen=True)
class Film:
    """A figure that has moved: a video with controls that never starts by itself, and its last picture as a still.

    >>> "autoplay" in Film(b"video", b"poster", 640, 320, Drawing("<svg/>", "a ball falls")).html
    False
    """

    video: bytes
    poster: bytes
    width: int
    height: int
    still: Drawing

    @property
    def html(self) -> str:
        """The video as one element of a page, in which nothing is to be fetched."""
        video, poster = (base64.b64encode(part).decode() for part in (self.video, self.poster))
        return (
            f'<video class="film" controls muted playsinline preload="none" '
            f'width="{self.width}" height="{self.height}" '
            f'style="aspect-ratio: {self.width} / {self.height + CONTROLS}; background: white; height: auto; '
            f'max-width: 100%; object-position: top" aria-label="{html.escape(self.still.alt)}" '
            f'poster="data:image/png;base64,{poster}" src="data:video/mp4;base64,{video}"></video>'
        )

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        return {"text/html": self.html, **self.still._repr_mimebundle_()}


def figure(height: float = 3.0, columns: int = 1, rows: int = 1, like: Axes | None = None) -> tuple[Figure, Any]:
    """Open an empty figure as wide as the text column.

    Sets matplotlib's settings to the book's for the rest of the session, so that whatever is added to the figure with
    plain matplotlib has the book's colours too.

    Parameters
    ----------
    height : height in inches; the column is 20/3 inches wide, so 3.75 makes a figure of 16:9
    columns, rows : number of panels
    like : axes whose limits, scales and labels the new axes take over, to redraw them with one object more

    Returns
    -------
    The figure, and its axes: one `Axes`, or an array of them where there are several panels.

    Raises
    ------
    ValueError
        If the height is not between 1 and 9 inches.

    Examples
    --------
    >>> fig, ax = figure(height=2.5)
    >>> fig.get_size_inches().tolist()
    [6.666666666666667, 2.5]
    >>> _, again = figure(like=ax)
    >>> again.get_xlim() == ax.get_xlim()
    True
    """
    if not 1 <= height <= 9:
        raise ValueError(f"figure(): height is in inches and must lie between 1 and 9, but is {height}")
    mpl.rcParams.update(STYLE)
    fig = Figure(figsize=(COLUMN, height), layout="constrained")
    fig.patch.set(facecolor="#ffffff", gid=GROUND)
    axes = fig.subplots(rows, columns)
    if like is not None:
        for ax in np.ravel(axes):
            copy_axes(like, ax)
    return fig, axes


def copy_axes(source: Axes, target: Axes) -> None:
    """Give one axes the scales, limits and labels of another.

    >>> _, (left, right) = figure(columns=2)
    >>> _ = left.set(xlim=(1, 10), xscale="log", xlabel="$n$")
    >>> copy_axes(left, right)
    >>> right.get_xscale(), right.get_xlabel()
    ('log', '$n$')
    """
    target.set(xscale=source.get_xscale(), yscale=source.get_yscale())
    target.set(xlim=source.get_xlim(), ylim=source.get_ylim(), xlabel=source.get_xlabel(), ylabel=source.get_ylabel())


def form(meaning: str) -> dict[str, Any]:
    """Colour and line form of a meaning, as keywords for any plotting function of matplotlib.

    >>> form("prior")["color"]
    '#0072b2'
    >>> form("forecast")
    Traceback (most recent call last):
    ...
    ValueError: no colour means 'forecast'; the book knows truth, data, prior, posterior, objective, failure, peer
    """
    if meaning not in MEANINGS:
        raise ValueError(f"no colour means {meaning!r}; the book knows {', '.join(MEANINGS)}")
    light, _, keywords = MEANINGS[meaning]
    return {"color": light, **keywords}


def outline(meaning: str) -> dict[str, Any]:
    """Colour and line form of a closed curve: the form of its meaning without markers, solid where that has no line.

    >>> outline("data")["linestyle"]
    '-'
    """
    shape = {**form(meaning), "marker": "none"}
    return {**shape, "linestyle": "-", "linewidth": 1.2} if shape["linestyle"] == "none" else shape


def line(ax: Axes, x: ArrayLike, y: ArrayLike, meaning: str, label: str | None = None, **keywords: Any) -> None:
    """Draw y over x in the form of its meaning, with a direct label at its right end.

    Parameters
    ----------
    x, y : the points, shape (n,)
    meaning : a key of `MEANINGS`
    label : text set beside the last point, instead of a legend
    keywords : anything of `Axes.plot`, which overrides the form

    Examples
    --------
    >>> _, ax = figure()
    >>> line(ax, [0, 1], [0, 2], "posterior", label="analysis")
    >>> ax.texts[0].get_text()
    'analysis'
    """
    ax.plot(x, y, **{**form(meaning), **keywords})
    if label is not None:
        name(ax, np.asarray(x)[-1], np.asarray(y)[-1], label)


def band(ax: Axes, x: ArrayLike, low: ArrayLike, high: ArrayLike, meaning: str) -> None:
    """Fill between two curves, both of shape (n,), with the colour of a meaning at 20 % opacity.

    >>> _, ax = figure()
    >>> band(ax, [0, 1], [0, 0], [1, 2], "prior")
    >>> ax.collections[0].get_alpha()
    0.2
    """
    ax.fill_between(x, low, high, color=form(meaning)["color"], alpha=0.2, linewidth=0)


def ellipse(
    ax: Axes,
    mean: ArrayLike,
    cov: ArrayLike,
    meaning: str,
    label: str | None = None,
    mass: float = 0.9,
    **keywords: Any,
) -> None:
    """Draw the ellipse that holds this much of a Gaussian law in the plane, filled at 20 % opacity.

    Parameters
    ----------
    mean, cov : its centre, shape (2,), and covariance, shape (2, 2), which may be singular: then it is a segment
    meaning : a key of `MEANINGS`
    label : text set beside its highest point
    mass : the probability inside, between 0 and 1
    keywords : anything of `Axes.plot` for the outline

    Raises
    ------
    ValueError
        If the covariance is not a symmetric 2 × 2 matrix without negative eigenvalues, or the mass not below 1.

    Examples
    --------
    >>> _, ax = figure()
    >>> ellipse(ax, [0, 0], [[4, 0], [0, 1]], "posterior", mass=1 - np.exp(-1 / 2))
    >>> print(ax.lines[0].get_xdata().max().round(3), ax.lines[0].get_ydata().max().round(3))
    2.0 1.0
    """
    cov = np.asarray(cov, float)
    if cov.shape != (2, 2) or not np.allclose(cov, cov.T) or not 0 < mass < 1:
        raise ValueError(
            f"ellipse(): needs a symmetric 2 × 2 covariance and 0 < mass < 1, but cov is {cov.tolist()}, mass {mass}"
        )
    values, vectors = np.linalg.eigh(cov)
    if values[0] < -1e-9 * np.abs(values).max():
        raise ValueError(f"ellipse(): cov must be positive semidefinite, but has the eigenvalue {values[0]:.3g}")
    turn = np.linspace(0, 2 * np.pi, 181)
    circle = np.sqrt(-2 * np.log1p(-mass)) * np.stack([np.cos(turn), np.sin(turn)])
    x, y = np.asarray(mean, float)[:, None] + vectors * np.sqrt(np.maximum(values, 0)) @ circle
    ax.fill(x, y, color=form(meaning)["color"], alpha=0.2, linewidth=0)
    ax.plot(x, y, **{**outline(meaning), **keywords})
    if label is not None:
        name(ax, x[np.argmax(y)], y.max(), label, right=0.0, up=7.0, ha="center")


def density(
    ax: Axes, x: ArrayLike, y: ArrayLike, values: ArrayLike, meaning: str, mass: Sequence[float] = (0.5, 0.9, 0.99)
) -> list[float]:
    """Draw the smallest regions that hold these shares of a density on a grid, and return its values at their edges.

    Parameters
    ----------
    x, y : the grid, shapes (c,) and (r,), evenly spaced
    values : the density, up to a factor, shape (r, c): one row for each y
    meaning : a key of `MEANINGS`
    mass : the shares, between 0 and 1

    Examples
    --------
    >>> _, ax = figure()
    >>> axis = np.linspace(-5, 5, 201)
    >>> edges = density(ax, axis, axis, np.exp(-(axis**2 + axis[:, None] ** 2) / 2), "prior", mass=[0.5])
    >>> np.allclose(edges, 0.5, atol=0.01)  # a disc that holds half of the law ends where the density is half its peak
    True
    """
    values = np.asarray(values, float)
    falling = np.sort(values, axis=None)[::-1]
    held = np.cumsum(falling) / falling.sum()
    edges = [float(falling[np.searchsorted(held, share)]) for share in mass]
    color = form(meaning)["color"]
    for edge in edges:
        ax.contourf(x, y, values, levels=[edge, np.inf], colors=[color], alpha=0.2)
        ax.contour(x, y, values, levels=[edge], colors=[color], linewidths=0.8, linestyles="solid")
    return edges


def field(ax: Axes, x: ArrayLike, y: ArrayLike, values: ArrayLike, label: str) -> None:
    """Draw numbers on a grid as colours with a scale: a map centred on zero if they have both signs.

    Parameters
    ----------
    x, y : the grid, shapes (c,) and (r,)
    values : shape (r, c): one row for each y
    label : what the colours mean, with its unit

    Examples
    --------
    >>> fig, ax = figure()
    >>> field(ax, [0, 1], [0, 1], [[-1, 2], [0, 1]], "anomaly, °C")
    >>> ax.collections[0].get_clim()
    (-2.0, 2.0)
    """
    values = np.asarray(values, float)
    largest = float(np.abs(values).max())
    signed = values.min() < 0 < values.max()
    scale = Normalize(-largest, largest) if signed else Normalize(values.min(), values.max())
    cmap = "RdBu_r" if signed else "cividis"
    mesh = ax.pcolormesh(x, y, values, shading="nearest", rasterized=True, cmap=cmap, norm=scale)
    bar = ax.figure.colorbar(mesh, ax=ax, label=label)
    bar.outline.set_visible(False)


def histogram(
    ax: Axes, sample: ArrayLike, meaning: str, curve: Callable[[np.ndarray], ArrayLike] | None = None, **keywords: Any
) -> None:
    """Draw a histogram of total area 1 at 20 % opacity, and the density that it should follow as the truth.

    Parameters
    ----------
    sample : the numbers, shape (n,)
    meaning : a key of `MEANINGS`
    curve : maps points of shape (m,) to the densities there
    keywords : anything of `Axes.hist`, such as bins

    Examples
    --------
    >>> _, ax = figure()
    >>> histogram(ax, [0.1, 0.2, 0.9], "data", curve=np.ones_like, bins=2, range=(0, 1))
    >>> print(*(bar.get_height().round(3) for bar in ax.patches))
    1.333 0.667
    """
    settings = {"bins": "auto", "density": True, "color": form(meaning)["color"], "alpha": 0.2}
    _, edges, _ = ax.hist(np.ravel(sample), **{**settings, **keywords})
    if curve is not None:
        x = np.linspace(edges[0], edges[-1], 201)
        line(ax, x, curve(x), "truth", linewidth=1.4)


def redraw(axes: Iterable[Axes], *layers: Callable[[Axes], None]) -> None:
    """Draw the first layer on all axes, the second on all but the first, and so on: one object more per panel.

    Axes beyond the last layer show all layers; there must be an axes for each layer.

    >>> _, panels = figure(columns=2)
    >>> redraw(panels, lambda ax: line(ax, [0, 1], [0, 1], "prior"), lambda ax: line(ax, [0, 1], [1, 1], "posterior"))
    >>> [len(ax.lines) for ax in panels]
    [1, 2]
    """
    axes = list(axes)
    if len(axes) < len(layers):
        raise ValueError(f"redraw(): {len(layers)} layers need as many axes, but there are {len(axes)}")
    for count, ax in enumerate(axes, start=1):
        for layer in layers[:count]:
            layer(ax)


def power_law(ax: Axes, x: ArrayLike, y: ArrayLike, meaning: str, label: str) -> float:
    """Draw positive measurements on log axes with the line c x^s fitted to them, and return the slope s.

    The fit is least squares in the logarithms; the label at the right end says the slope.

    Parameters
    ----------
    x, y : the measurements, shape (n,), positive, n >= 2
    meaning : a key of `MEANINGS`
    label : name of what is measured

    Examples
    --------
    >>> _, ax = figure()
    >>> round(power_law(ax, [1, 2, 4], [3, 12, 48], "posterior", "solve"), 6)
    2.0
    """
    x, y = np.asarray(x, float), np.asarray(y, float)
    if x.size < 2 or x.shape != y.shape or not (np.all(x > 0) and np.all(y > 0)):
        raise ValueError(
            f"power_law(): needs two or more positive pairs, but x has shape {x.shape}, y {y.shape}, smallest "
            f"{min(x.min(initial=np.inf), y.min(initial=np.inf)):.3g}"
        )
    slope, offset = np.polyfit(np.log(x), np.log(y), 1)
    ax.set(xscale="log", yscale="log")
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.yaxis.set_minor_formatter(NullFormatter())
    ends = np.array([x.min(), x.max()])
    ax.plot(
        x,
        y,
        linestyle="none",
        marker="x" if meaning == "failure" else "o",
        markersize=4.5,
        color=form(meaning)["color"],
    )
    line(ax, ends, np.exp(offset) * ends**slope, meaning, f"{label}\nslope {slope:.1f}", marker="none")
    return float(slope)


def name(ax: Axes, x: Any, y: Any, text: str, right: float = 6.0, up: float = 0.0, **keywords: Any) -> None:
    """Write a direct label beside the point (x, y), in the text's colour, moved by so many points.

    >>> _, ax = figure()
    >>> name(ax, 1.0, 2.0, "forecast", up=4.0)
    >>> ax.texts[0].get_color() == COLORS["text"]
    True
    """
    settings = {"xytext": (right, up), "textcoords": "offset points", "va": "center", "annotation_clip": False}
    ax.annotate(text, (x, y), **{**settings, **keywords})


def draw(fig: Figure, *, alt: str) -> Drawing:
    """Turn a figure into one SVG that holds its alternative text; the same figure always gives the same bytes.

    Parameters
    ----------
    fig : a figure made by `figure`
    alt : what is to be seen, with numbers from the run, in 40 to 250 characters

    Raises
    ------
    ValueError
        If the alternative text is too short to say what is to be seen, or too long to be listened to.

    Examples
    --------
    >>> fig, ax = figure()
    >>> draw(fig, alt="a line")
    Traceback (most recent call last):
    ...
    ValueError: alt must say in 40 to 250 characters what is to be seen, but has 6: 'a line'
    """
    alt = _described(fig, alt)
    with mpl.rc_context(STYLE), io.StringIO() as out:
        fig.savefig(out, format="svg", metadata={"Description": alt, "Date": None, "Creator": None})
        svg = out.getvalue()
    return Drawing(re.sub(r"<\?xml[^>]*>\s*<!DOCTYPE[^>]*>\s*", "", svg), alt)


def record(fig: Figure, advance: Callable[[int], Any], frames: int, *, alt: str, rate: int = 10) -> Film:
    """Turn a figure that changes into a film, encoded as H.264; the same pictures always give the same bytes.

    What moves is drawn with ``animated=True``; all else is drawn once. The last picture is the still.

    Parameters
    ----------
    fig : a figure made by `figure`
    advance : called with 0 to frames - 1 before each picture, moves what was drawn with ``animated=True``
    frames : number of pictures
    alt : what is to be seen, with numbers from the run, in 40 to 250 characters
    rate : pictures per second

    Raises
    ------
    ValueError
        If there is no picture, or the alternative text is too short to say what is to be seen, or too long.
    """
    import av  # an encoder; only films need it

    alt = _described(fig, alt)
    if frames < 1:
        raise ValueError(f"record(): a film needs at least one picture, but frames is {frames}")
    canvas, video, poster = FigureCanvasAgg(fig), io.BytesIO(), io.BytesIO()
    fig.set_dpi(FILM_DPI)
    with mpl.rc_context(STYLE), av.open(video, "w", format="mp4") as file:
        canvas.draw()  # places the axes and leaves out what moves
        ground, moving = canvas.copy_from_bbox(fig.bbox), [part for part in fig.findobj() if part.get_animated()]
        width, height = (2 * (size // 2) for size in canvas.get_width_height())
        stream = file.add_stream("libx264", rate=rate, options={"crf": "30", "preset": "veryfast", "threads": "1"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for frame in range(frames):
            advance(frame)
            canvas.restore_region(ground)
            for part in moving:
                fig.draw_artist(part)
            pixels = np.ascontiguousarray(np.asarray(canvas.buffer_rgba())[:height, :width, :3])
            file.mux(stream.encode(av.VideoFrame.from_ndarray(pixels)))
        file.mux(stream.encode())
        fig.savefig(poster, format="png", dpi=FILM_DPI, metadata={"Software": None})
    width, height = (round(pixels * 96 / FILM_DPI) for pixels in (width, height))
    return Film(video.getvalue(), poster.getvalue(), width, height, draw(fig, alt=alt))


def show(fig: Figure, *, alt: str, advance: Callable[[int], Any] | None = None, frames: int = 0) -> None:
    """Display a figure in the notebook or page, as the last line of its cell; see `draw`, and `record` for a film."""
    from IPython.display import display  # only notebooks have it

    display(draw(fig, alt=alt) if advance is None else record(fig, advance, frames, alt=alt))


def _described(fig: Figure, alt: str) -> str:
    """Return the alternative text on one line, checked; and check that the figure has the book's looks."""
    alt = " ".join(alt.split())
    if len(alt) not in ALT_LENGTH:
        raise ValueError(
            f"alt must say in {ALT_LENGTH[0]} to {ALT_LENGTH[-1]} characters what is to be seen, "
            f"but has {len(alt)}: {alt!r}"
        )
    if fig.patch.get_gid() != GROUND:
        raise ValueError("the figure was not made by plots.figure(), so its size, fonts and colours are not the book's")
    return alt
