"""Localisation against dense local algebra, the convolution that defines the taper, and its two limits."""

import re
import tracemalloc

import numpy as np
import pytest
import scipy.integrate
import torch
from hypothesis import given
from hypothesis import strategies as st

from mlpc.assimilation import (
    ETKF,
    LETKF,
    RTPS,
    Components,
    FiniteSize,
    Geometry,
    Linear,
    Lorenz96,
    gaspari_cohn,
    localisation,
    run,
    scores,
    twin_experiment,
)
from tests.assimilation.linear import with_gaps

# the taper


def test_the_taper_is_the_cone_folded_with_itself_in_space():
    """For radial functions, (f * f)(z) = 2π/z ∫ r f(r) ∫ s f(s) ds dr over |z - r| < s < z + r; f(r) = 1 - r, r < 1."""

    def inner(a, b):
        primitive = lambda s: s**2 / 2 - s**3 / 3  # noqa: E731
        return primitive(np.clip(b, 0, 1)) - primitive(np.clip(a, 0, 1))

    def folded(z):
        return scipy.integrate.quad(
            lambda r: r * (1 - r) * inner(abs(z - r), z + r), 0, 1, points=[min(z, 1.0), abs(1 - z)], epsabs=1e-13
        )[0] * (2 * np.pi / z)

    at_zero = 4 * np.pi * scipy.integrate.quad(lambda r: (r * (1 - r)) ** 2, 0, 1)[0]
    for z in (0.05, 0.3, 0.8, 1.0, 1.2, 1.7, 1.99):
        assert float(gaspari_cohn(2.5 * z, 2.5)) == pytest.approx(folded(z) / at_zero, abs=1e-10)


def test_values_support_and_limits_of_the_taper(rng):
    c = 3.0
    assert gaspari_cohn(0.0, c) == 1
    assert gaspari_cohn(c, c) == pytest.approx(5 / 24, abs=1e-15)
    distance = np.sort(rng.uniform(0, 3 * c, 1000))
    taper = gaspari_cohn(distance, c)
    assert (np.diff(taper) <= 1e-14).all()  # but for rounding where it ends
    assert (taper[distance >= 2 * c] == 0).all()
    assert (taper[distance < 1.9 * c] > 0).all()
    np.testing.assert_array_equal(gaspari_cohn(-distance, c), taper)
    np.testing.assert_array_equal(gaspari_cohn([*distance, np.inf], np.inf), 1)
    near = np.linspace(0, 0.1, 5)
    np.testing.assert_allclose(gaspari_cohn(near, c), np.exp(-(near**2) / (2 * 0.3 * c**2)), atol=1e-4)


@pytest.mark.parametrize("at", [1.0, 2.0])
def test_the_pieces_of_the_taper_meet_smoothly(at):
    for h in (1e-3, 1e-4):
        left, middle, right = gaspari_cohn(np.array([at - h, at, at + h]), 1.0)
        assert abs((right - middle) - (middle - left)) < 5 * h**2


@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_the_taper_is_a_correlation_function_in_up_to_three_dimensions(rng, dimension):
    points = rng.uniform(0, 5, (150, dimension))
    distance = np.linalg.norm(points[:, None] - points[None], axis=-1)
    assert np.linalg.eigvalsh(gaspari_cohn(distance, 1.5)).min() > -1e-12


@pytest.mark.parametrize("c", [0.0, -1.0, np.nan])
def test_the_width_of_the_taper_is_positive(c):
    with pytest.raises(ValueError, match=rf"gaspari_cohn\(\): c must be positive, but is {c}"):
        gaspari_cohn(np.ones(2), c)


# neighbours


@given(
    st.integers(0, 2**32 - 1), st.integers(1, 30), st.integers(1, 20), st.integers(1, 3), st.floats(0.01, 20), st.data()
)
def test_near_observations_are_those_that_all_distances_show(seed, n, k, m, radius, data):
    rng = np.random.default_rng(seed)
    period = np.array([data.draw(st.sampled_from([np.inf, 7.0, 10.0])) for _ in range(m)])
    geometry = Geometry(rng.uniform(-10, 20, (n, m)), rng.uniform(-10, 20, (k, m)), period)
    apart = np.abs(geometry.sites[:, None] - geometry.observed[None])
    closed = np.isfinite(period)
    apart[..., closed] %= period[closed]
    apart[..., closed] = np.minimum(apart[..., closed], period[closed] - apart[..., closed])
    dense = np.linalg.norm(apart, axis=-1)
    if (np.abs(dense - radius) < 1e-9).any():
        return
    index, distance = geometry.near(radius)
    for site in range(n):
        real = np.isfinite(distance[site])
        np.testing.assert_array_equal(index[site, real], np.flatnonzero(dense[site] < radius))
        np.testing.assert_allclose(distance[site, real], dense[site, dense[site] < radius], rtol=0, atol=1e-9)
    assert index.shape == distance.shape == (n, (dense < radius).sum(1).max())


def test_a_ring_is_a_line_whose_ends_meet():
    system = Lorenz96(sites=6, observation=Components([1.0, 1.0], [0, 3], 6))
    assert Geometry.line(system).near(1.5)[1][5].min() == np.inf
    assert Geometry.ring(system).near(1.5)[1][5].min() == 1


def test_a_coordinate_that_rounding_makes_negative_is_in_the_period():
    index, distance = Geometry([[-1e-17], [1.0]], [[0.0], [-1e-17]], 3.0).near(1.5)
    np.testing.assert_array_equal(index, [[0, 1]] * 2)
    np.testing.assert_allclose(distance, [[0, 0], [1, 1]], atol=1e-15)


def test_every_observation_is_near_with_an_infinite_radius():
    index, distance = Geometry.ring(Lorenz96(sites=6)).near(np.inf)
    np.testing.assert_array_equal(index, np.tile(np.arange(6), (6, 1)))
    assert distance.max() == 3


# the filter


def experiment(rng, **options):
    system = Lorenz96(sites=10, observation=Components.every(1, 10, 0.5), **options)
    _, y = twin_experiment(system, 8, rng, batch=(2,))
    return system, with_gaps(rng, y, 0.2)


@pytest.mark.parametrize("N", [5, 14])
@pytest.mark.parametrize("inflation", [1.05, RTPS(0.4), FiniteSize()])
def test_an_infinite_radius_is_the_global_filter(rng, N, inflation):
    system, y = experiment(rng, sigma_q=0.1)
    local = run(LETKF(system, N, np.inf, inflation), y, np.random.default_rng(1))
    whole = run(ETKF(system, N, inflation), y, np.random.default_rng(1))
    np.testing.assert_allclose(local.ensemble, whole.ensemble, rtol=0, atol=1e-8)
    if not isinstance(inflation, FiniteSize):  # whose evidence counts the inflation that each site finds for itself
        np.testing.assert_allclose(local.log_evidence, whole.log_evidence, rtol=0, atol=1e-8)


def test_a_tiny_radius_is_one_scalar_update_for_each_site(rng):
    n = 8
    R, chosen = rng.uniform(0.5, 2, 5), [0, 2, 3, 5, 7]
    system = Lorenz96(sites=n, observation=Components(R, chosen, n))
    letkf = LETKF(system, 6, radius=0.4)
    state = letkf.init((), rng, np.zeros(5))
    y = rng.standard_normal(5)
    after, _ = letkf.analyse(state, y, rng)
    mean, variance = state.mean.copy(), state.std**2
    gain = variance[chosen] / (variance[chosen] + R)
    mean[chosen] += gain * (y - mean[chosen])
    variance[chosen] *= 1 - gain
    np.testing.assert_allclose(after.mean, mean, rtol=0, atol=1e-12)
    np.testing.assert_allclose(after.std**2, variance, rtol=0, atol=1e-12)
    np.testing.assert_allclose(after.members[:, [1, 4, 6]], state.members[:, [1, 4, 6]], rtol=0, atol=1e-12)


@pytest.mark.parametrize("N", [4, 12])
@pytest.mark.parametrize("matrix", [False, True])
def test_each_site_is_updated_by_the_dense_formula_with_tapered_precisions(rng, N, matrix):
    n, k = 9, 5
    sites, observed = rng.uniform(0, 4, (n, 2)), rng.uniform(0, 4, (k, 2))
    R = rng.uniform(0.5, 2, k)
    system = Lorenz96(sites=n, observation=Linear(np.diag(R) if matrix else R, rng.standard_normal((k, n))))
    letkf = LETKF(system, N, radius=1.2, geometry=Geometry(sites, observed))
    state = letkf.init((), rng, np.zeros(k))
    y = rng.standard_normal(k)
    after, _ = letkf.analyse(state, y, rng)
    X, Y = state.anomalies, state.anomalies @ system.observation.H.T / np.sqrt(R)
    d = (y - system.observation(state.mean)) / np.sqrt(R)
    for i in range(n):
        taper = gaspari_cohn(np.linalg.norm(observed - sites[i], axis=-1), 1.2)
        C = np.eye(N) + (Y * taper) @ Y.T
        values, vectors = np.linalg.eigh(C)
        T = (vectors / np.sqrt(values)) @ vectors.T
        shift = X[:, i] @ np.linalg.solve(C, Y @ (taper * d))
        expected = state.mean[i] + shift + np.sqrt(N - 1) * T @ X[:, i]
        np.testing.assert_allclose(after.members[:, i], expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("rotate", [False, True])
def test_chunks_and_batches_change_nothing(rng, monkeypatch, rotate):
    system, y = experiment(rng)
    letkf = LETKF(system, 5, 2.0, 1.1, rotate)
    state = letkf.init((2,), rng, y)
    at_once, _ = letkf.analyse(state, y[:, 0], np.random.default_rng(1))
    monkeypatch.setattr(localisation, "AT_ONCE", 300)
    assert len(list(letkf._chunks(state.members))) > 2
    in_parts, _ = letkf.analyse(state, y[:, 0], np.random.default_rng(1))
    np.testing.assert_allclose(in_parts.members, at_once.members, rtol=0, atol=1e-12)
    alone, _ = letkf.analyse(type(state)(state.members[1]), y[1, 0], np.random.default_rng(1))
    np.testing.assert_allclose(alone.members, at_once.members[1], rtol=0, atol=1e-12)


def test_a_rotation_changes_members_and_neither_mean_nor_covariance(rng):
    system, y = experiment(rng)
    state = LETKF(system, 5, 2.0).init((2,), rng, y)
    plain, turned = (LETKF(system, 5, 2.0, rotate=rotate).analyse(state, y[:, 0], rng)[0] for rotate in (False, True))
    np.testing.assert_allclose(turned.mean, plain.mean, rtol=0, atol=1e-12)
    np.testing.assert_allclose(turned.cov, plain.cov, rtol=0, atol=1e-12)
    assert np.abs(turned.members - plain.members).max() > 0.1


@pytest.mark.parametrize("inflation", [1.05, FiniteSize()])
def test_torch_and_numpy_give_the_same_numbers(rng, inflation):
    system, y = experiment(rng, sigma_q=0.1)
    letkf = LETKF(system, 6, 2.0, inflation, rotate=True)
    one, other = (run(letkf, given, np.random.default_rng(1)) for given in (y, torch.from_numpy(y)))
    np.testing.assert_allclose(other.ensemble.numpy(), one.ensemble, rtol=0, atol=1e-7)
    np.testing.assert_allclose(other.log_evidence.numpy(), one.log_evidence, rtol=0, atol=1e-7)


def test_a_gap_is_as_if_the_component_had_not_been_there(rng):
    system, y = experiment(rng)
    y[..., [2, 3, 7]] = np.nan
    rest = [0, 1, 4, 5, 6, 8, 9]
    fewer = Lorenz96(sites=10, observation=Components(np.full(7, 0.5), rest, 10))
    gaps = run(LETKF(system, 5, 2.0, 1.1), y, np.random.default_rng(1))
    expected = run(LETKF(fewer, 5, 2.0, 1.1), y[..., rest], np.random.default_rng(1))
    np.testing.assert_allclose(gaps.ensemble, expected.ensemble, rtol=0, atol=1e-9)
    np.testing.assert_allclose(gaps.log_evidence, expected.log_evidence, rtol=0, atol=1e-9)


def test_nothing_of_the_size_of_all_pairs_is_made(rng):
    n, N = 20_000, 4
    system = Lorenz96(sites=n)
    tracemalloc.start()
    try:
        letkf = LETKF(system, N, radius=2.0)
        state = letkf.init((), rng, np.zeros(n))
        after, _ = letkf.analyse(letkf.forecast(state, rng), state.mean, rng)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert after.members.shape == (N, n)
    assert peak < 8 * n * 300 < 8 * n * n


def test_seven_members_follow_lorenz_96_within_the_published_accuracy_and_some_chance(seed):
    system = Lorenz96()
    x, y = twin_experiment(system, 400, np.random.default_rng(seed), batch=(2,))
    letkf = LETKF(system, 7, radius=4 * np.sqrt(10 / 3), inflation=1.04, rotate=True)
    result = run(letkf, y, np.random.default_rng([seed, 1]), keep=False)
    assert scores.rmse(result.mean, x[..., 1:, :])[:, 150:].mean() < 0.26


# errors


def test_the_radius_is_positive():
    for radius in (0.0, -2.0, np.nan):
        with pytest.raises(ValueError, match=rf"LETKF\(\): radius must be positive, but is {radius}"):
            LETKF(Lorenz96(), 5, radius)


@pytest.mark.usefixtures("production")
def test_the_radius_is_a_number():
    with pytest.raises(ValueError, match=r"LETKF\(\): radius must be a number, but is '8'"):
        LETKF(Lorenz96(), 5, "8")


def test_errors_that_depend_on_each_other_have_no_place():
    system = Lorenz96(sites=4, observation=Components(np.eye(2) + 0.5, [0, 2], 4))
    with pytest.raises(ValueError, match=r"LETKF\(\): R must be that of independent errors"):
        LETKF(system, 5, 2.0)


def test_a_geometry_fits_its_system():
    message = "LETKF(): geometry has 40 sites and 20 observations, but the system has 40 components and observes 40"
    with pytest.raises(ValueError, match=re.escape(message)):
        LETKF(Lorenz96(), 5, 2.0, geometry=Geometry(np.zeros((40, 1)), np.zeros((20, 1))))


def test_an_operator_without_places_asks_for_them():
    system = Lorenz96(sites=4, observation=Linear([1.0], [[1.0, 1.0, 0.0, 0.0]]))
    with pytest.raises(
        ValueError, match=r"Geometry\(\): where does Linear observe\? geometry=Geometry\(sites, observed, period\)"
    ):
        LETKF(system, 5, 2.0)


@pytest.mark.usefixtures("production")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.zeros((3, 2)), np.zeros((3, 1))), "observed has shape (3, 1), but (..., k, m) = (..., k, 2) is needed"),
        (([[np.nan]], [[0.0]]), "sites must hold finite numbers, but sites[0, 0] is nan"),
        (
            (np.zeros((2, 3, 1)), np.zeros((4, 1))),
            "sites and observed must be of shapes (n, m) and (k, m), but are of (2, 3, 1) and (4, 1)",
        ),
        (([[0.0]], [[0.0]], 0.0), "period must be positive, or infinite for an open line, but is 0.0"),
        (
            ([[0.0]], [[0.0]], [1.0, 1.0]),
            "period must be one number, or one for each of 1 dimensions, but is [1.0, 1.0]",
        ),
    ],
)
def test_places_are_checked(arguments, message):
    with pytest.raises(ValueError, match=re.escape(f"Geometry(): {message}")):
        Geometry(*arguments)


def test_a_filter_that_draws_asks_for_a_generator():
    with pytest.raises(ValueError, match=r"pass a numpy\.random\.Generator"):
        run(LETKF(Lorenz96(), 5, 2.0), np.zeros((3, 40)))
