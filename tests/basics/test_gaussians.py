"""Gaussian laws against SciPy, the dense joint, quadrature in one and two dimensions, and the laws they must obey."""

import jaxtyping
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from mlpc.basics import Gaussian, joint

SIZES = [(1, 1), (2, 1), (3, 2), (2, 3), (4, 4)]


def spd(rng, n, batch=(), spread=1.0):
    """Covariances whose standard deviations spread over so many powers of ten, of condition at most 16 besides."""
    turn = np.linalg.qr(rng.normal(size=(*batch, n, n)))[0]
    scale = 10 ** rng.uniform(-spread, spread, size=(*batch, n))
    root = scale[..., None] * turn * rng.uniform(0.5, 2, size=(*batch, 1, n))
    return root @ root.mT


def gaussian(rng, n, batch=(), spread=0.5):
    return Gaussian(rng.normal(size=(*batch, n)), spd(rng, n, batch, spread))


def observation(rng, n, k, batch=()):
    """L, m, Sigma of a linear observation."""
    return rng.normal(size=(*batch, k, n)), rng.normal(size=(*batch, k)), spd(rng, k, batch, 0.5)


@st.composite
def problems(draw):
    """A function that makes a law, a linear observation of it, and what was observed."""
    seed = draw(st.integers(0, 2**32 - 1))
    n, k = draw(st.integers(1, 6)), draw(st.integers(1, 6))
    batch = draw(st.sampled_from([(), (3,), (2, 1)]))
    several = draw(st.sampled_from([(), batch]))

    def made():
        rng = np.random.default_rng(seed)
        return gaussian(rng, n, batch), *observation(rng, n, k, several), rng.normal(size=(*batch, k)), rng

    return made


def assert_same(p, q, atol=1e-9):
    np.testing.assert_allclose(p.mean, np.broadcast_to(q.mean, p.mean.shape), rtol=0, atol=atol)
    np.testing.assert_allclose(p.cov, np.broadcast_to(q.cov, p.cov.shape), rtol=0, atol=atol)


# the rules


@settings(max_examples=40)
@given(problems())
def test_posterior_is_the_joint_conditioned_on_the_observation(problem):
    v, L, m, Sigma, u, _ = problem()
    n, k = v.mean.shape[-1], u.shape[-1]
    assert_same(v.posterior(L, m, Sigma, u), joint(v, L, m, Sigma).condition(slice(n, n + k), u))


@settings(max_examples=40)
@given(problems())
def test_posterior_is_the_textbook_formula_with_inverses_in_both_forms(problem):
    v, L, m, Sigma, u, _ = problem()
    K, mu, inv = v.cov, v.mean, np.linalg.inv
    gain = K @ L.mT @ inv(L @ K @ L.mT + Sigma)
    surprise = u - (L @ mu[..., None])[..., 0] - m
    mean = mu + (gain @ surprise[..., None])[..., 0]
    posterior = v.posterior(L, m, Sigma, u)
    np.testing.assert_allclose(posterior.mean, mean, rtol=0, atol=1e-9)
    np.testing.assert_allclose(posterior.cov, K - gain @ L @ K, rtol=0, atol=1e-9)
    information = inv(K) + L.mT @ inv(Sigma) @ L
    pull = inv(K) @ mu[..., None] + L.mT @ inv(Sigma) @ (u - m)[..., None]
    np.testing.assert_allclose(posterior.cov, inv(information), rtol=0, atol=1e-9)
    np.testing.assert_allclose(posterior.mean, (inv(information) @ pull)[..., 0], rtol=0, atol=1e-9)


@settings(max_examples=40)
@given(problems())
def test_marginals_of_the_joint_are_the_law_itself_and_its_affine_image(problem):
    v, L, m, Sigma, u, _ = problem()
    n, k = v.mean.shape[-1], u.shape[-1]
    whole = joint(v, L, m, Sigma)
    assert_same(whole.marginal(slice(n)), v)
    assert_same(whole.marginal(slice(n, n + k)), v.affine(L, m, Sigma))
    np.testing.assert_allclose(whole.cov[..., :n, n:], v.cov @ L.mT, rtol=0, atol=1e-9)


@settings(max_examples=40)
@given(problems())
def test_one_observation_after_the_other_in_any_order_is_all_at_once(problem):
    v, L, m, _, u, rng = problem()
    noise = rng.uniform(0.1, 2, size=u.shape[-1])
    at_once = v.posterior(L, m, np.diag(noise), u)
    one_by_one = v
    for j in rng.permutation(u.shape[-1]):
        row = slice(j, j + 1)
        one_by_one = one_by_one.posterior(L[..., row, :], m[..., row], noise[row, None], u[..., row])
    assert_same(one_by_one, at_once)


@settings(max_examples=40)
@given(problems())
def test_noise_that_is_correlated_is_whitened_without_a_difference(problem):
    v, L, m, Sigma, u, _ = problem()
    W = np.linalg.inv(np.linalg.cholesky(Sigma))
    white = v.posterior(W @ L, (W @ m[..., None])[..., 0], np.eye(u.shape[-1]), (W @ u[..., None])[..., 0])
    assert_same(v.posterior(L, m, Sigma, u), white)


@settings(max_examples=40)
@given(problems())
def test_affine_images_compose(problem):
    v, L, m, Sigma, _, rng = problem()
    k = m.shape[-1]
    M, b, T = observation(rng, k, 2)
    twice = v.affine(L, m, Sigma).affine(M, b, T)
    once = v.affine(M @ L, (M @ m[..., None])[..., 0] + b, M @ Sigma @ M.T + T)
    assert_same(twice, once)


@settings(max_examples=40)
@given(problems())
def test_prior_covariance_is_posterior_covariance_plus_that_of_the_posterior_mean(problem):
    v, L, m, Sigma, u, _ = problem()
    posterior = v.posterior(L, m, Sigma, u)
    gain = v.cov @ L.mT @ np.linalg.inv(v.affine(L, m, Sigma).cov)
    spread = gain @ v.affine(L, m, Sigma).cov @ gain.mT
    np.testing.assert_allclose(posterior.cov + spread, v.cov + 0 * posterior.cov, rtol=0, atol=1e-9)


@settings(max_examples=40)
@given(problems(), st.integers(0, 2**32 - 1))
def test_conditioning_in_two_steps_is_conditioning_at_once(problem, seed):
    v = joint(*problem()[:4])
    n = v.mean.shape[-1]
    order = np.random.default_rng(seed).permutation(n)
    i, j = order[: n // 3 + 1], order[n // 3 + 1 : n - 1]
    x = np.random.default_rng(seed).normal(size=n)
    rest = [c for c in range(n) if c not in i]
    twice = v.condition(i, x[i]).condition([rest.index(c) for c in j], x[j])
    assert_same(twice, v.condition(order[: n - 1], x[order[: n - 1]]), atol=1e-7)


def test_bayes_rule_by_quadrature_in_one_dimension():
    v, u = Gaussian(np.array([0.4]), np.array([[1.7]])), np.array([2.0])
    L, m, Sigma = np.array([[-1.3]]), np.array([0.3]), np.array([[0.6]])
    x = np.linspace(-15, 15, 4001)
    weight = stats.norm(0.4, np.sqrt(1.7)).pdf(x) * stats.norm(-1.3 * x + 0.3, np.sqrt(0.6)).pdf(u)
    evidence = integrate.simpson(weight, x=x)
    mean = integrate.simpson(weight * x, x=x) / evidence
    posterior = v.posterior(L, m, Sigma, u)
    np.testing.assert_allclose(posterior.mean, mean, rtol=1e-10)
    np.testing.assert_allclose(posterior.cov, integrate.simpson(weight * (x - mean) ** 2, x=x) / evidence, rtol=1e-10)
    np.testing.assert_allclose(v.affine(L, m, Sigma).log_density(u), np.log(evidence), rtol=1e-10)
    np.testing.assert_allclose(posterior.log_density(x[:, None]), np.log(weight / evidence), rtol=0, atol=1e-8)


def test_bayes_rule_by_summation_in_two_dimensions(rng):
    v, L, m, Sigma = gaussian(rng, 2, spread=0.2), *observation(rng, 2, 1)
    u = v.affine(L, m, Sigma).sample(rng, 1)[0]
    axis = np.linspace(-12, 12, 801)
    grid = v.mean + v.std * np.stack(np.meshgrid(axis, axis), axis=-1)
    prior = stats.multivariate_normal(v.mean, v.cov).pdf(grid)
    weight = prior * stats.norm(0, np.sqrt(Sigma[0, 0])).pdf(u - grid @ L[0] - m)
    weight /= weight.sum()
    mean = np.einsum("ij,ijc->c", weight, grid)
    posterior = v.posterior(L, m, Sigma, u)
    np.testing.assert_allclose(posterior.mean, mean, rtol=0, atol=1e-8)
    cov = np.einsum("ij,ijc,ijd->cd", weight, grid - mean, grid - mean)
    np.testing.assert_allclose(posterior.cov, cov, rtol=0, atol=1e-8)


# density, entropy, divergence, samples


@settings(max_examples=40)
@given(problems())
def test_log_density_is_that_of_scipy(problem):
    v, *_, rng = problem()
    x = rng.normal(size=(4, *v.mean.shape))
    computed = v.log_density(x)
    assert computed.shape == x.shape[:-1]
    for at in np.ndindex(v.mean.shape[:-1]):
        expected = stats.multivariate_normal(v.mean[at], v.cov[at]).logpdf(x[(slice(None), *at)])
        np.testing.assert_allclose(computed[(slice(None), *at)], expected, rtol=1e-8)


@settings(max_examples=40)
@given(problems())
def test_a_joint_density_is_conditional_times_marginal(problem):
    v, L, m, Sigma, u, rng = problem()
    x = rng.normal(size=v.mean.shape)
    both = joint(v, L, m, Sigma).log_density(np.concatenate([x, u], axis=-1))
    chain = v.affine(L, m, Sigma).log_density(u) + v.posterior(L, m, Sigma, u).log_density(x)
    np.testing.assert_allclose(both, chain, rtol=1e-7, atol=1e-7)


@settings(max_examples=40)
@given(problems())
def test_entropy_is_that_of_scipy_for_each_leading_index(problem):
    v = problem()[0]
    entropy = v.entropy()
    assert np.shape(entropy) == v.mean.shape[:-1]
    for at in np.ndindex(v.mean.shape[:-1]):
        expected = stats.multivariate_normal(v.mean[at], v.cov[at]).entropy()
        np.testing.assert_allclose(np.asarray(entropy)[at], expected, rtol=1e-9, atol=1e-9)


def test_entropy_and_divergence_are_means_of_log_densities_by_quadrature():
    p, q = Gaussian(np.array([0.5]), np.array([[2.0]])), Gaussian(np.array([-1.0]), np.array([[0.7]]))
    x = np.linspace(-20, 20, 8001)
    density = np.exp(p.log_density(x[:, None]))
    np.testing.assert_allclose(p.entropy(), -integrate.simpson(density * np.log(density + 1e-300), x=x), rtol=1e-10)
    ratio = p.log_density(x[:, None]) - q.log_density(x[:, None])
    np.testing.assert_allclose(p.kl(q), integrate.simpson(density * ratio, x=x), rtol=1e-10)


@settings(max_examples=40)
@given(problems(), st.integers(0, 2**32 - 1))
def test_kl_is_the_textbook_formula_and_never_negative(problem, seed):
    p = problem()[0]
    n = p.mean.shape[-1]
    q = gaussian(np.random.default_rng(seed), n)
    inverse, moved = np.linalg.inv(q.cov), q.mean - p.mean
    trace = np.trace(inverse @ p.cov, axis1=-2, axis2=-1)
    square = np.einsum("...i,...ij,...j->...", moved, inverse, moved)
    logs = np.linalg.slogdet(q.cov)[1] - np.linalg.slogdet(p.cov)[1]
    kl = p.kl(q)
    np.testing.assert_allclose(kl, (trace + square - n + logs) / 2, rtol=1e-7, atol=1e-9)
    assert np.all(kl >= 0)


@settings(max_examples=40)
@given(problems(), st.floats(-6, -3))
def test_kl_is_zero_for_equal_laws_and_positive_for_the_slightest_difference(problem, power):
    p = problem()[0]
    nearly = Gaussian(p.mean, p.cov * (1 + 10.0**power))
    assert np.all(p.kl(Gaussian(p.mean, p.cov)) < 1e-28)
    n = p.mean.shape[-1]
    np.testing.assert_allclose(p.kl(nearly), n * 10.0 ** (2 * power) / 4, rtol=1e-2)
    assert np.all(p.kl(nearly) > 0)


def test_kl_is_not_symmetric_and_its_order_is_that_of_the_slide():
    narrow, wide = Gaussian(np.zeros(1), np.eye(1)), Gaussian(np.zeros(1), 4 * np.eye(1))
    np.testing.assert_allclose(narrow.kl(wide), (1 / 4 - 1 + np.log(4)) / 2, rtol=1e-14)
    np.testing.assert_allclose(wide.kl(narrow), (4 - 1 - np.log(4)) / 2, rtol=1e-14)


def test_samples_have_the_mean_and_covariance_of_the_law(rng):
    v, N = gaussian(rng, 3, batch=(2,)), 200_000
    x = v.sample(rng, N)
    assert x.shape == (N, 2, 3)
    z = (x - v.mean) / v.std
    np.testing.assert_allclose(z.mean(axis=0), 0, atol=6 / np.sqrt(N))
    correlation = v.cov / v.std[..., :, None] / v.std[..., None, :]
    np.testing.assert_allclose(np.einsum("nbi,nbj->bij", z, z) / N, correlation, atol=9 / np.sqrt(N))
    for b in range(2):
        whitened = np.linalg.solve(np.linalg.cholesky(v.cov[b]), (x[:, b] - v.mean[b]).T).ravel()
        assert stats.kstest(whitened, "norm").pvalue > 1e-6


def test_mahalanobis_distances_of_samples_follow_the_chi_square_law(rng):
    v = gaussian(rng, 4)
    x = v.sample(rng, 20_000)
    squares = -2 * (v.log_density(x) - v.log_density(v.mean))
    assert stats.kstest(squares, stats.chi2(4).cdf).pvalue > 1e-6


# gaps


@settings(max_examples=40)
@given(problems(), st.data())
def test_a_gap_is_a_component_left_out(problem, data):
    v, L, m, Sigma, u, _ = problem()
    k = u.shape[-1]
    seen = np.array(data.draw(st.lists(st.booleans(), min_size=k, max_size=k)))
    left_out = v.posterior(L[..., seen, :], m[..., seen], Sigma[..., seen, :][..., seen], u[..., seen])
    assert_same(v.posterior(L, m, Sigma, np.where(seen, u, np.nan)), left_out)


def test_each_leading_index_has_its_own_gaps(rng):
    v, (L, m, Sigma) = gaussian(rng, 3), observation(rng, 3, 2)
    u = np.array([[0.3, -0.4], [np.nan, -0.4], [0.3, np.nan], [np.nan, np.nan]])
    batched = v.posterior(L, m, Sigma, u)
    for row, mean, cov in zip(u, batched.mean, batched.cov, strict=True):
        assert_same(v.posterior(L, m, Sigma, row), Gaussian(mean, cov), atol=1e-13)
    np.testing.assert_allclose(batched.mean[-1], v.mean, rtol=0, atol=1e-14)
    np.testing.assert_allclose(batched.cov[-1], v.cov, rtol=0, atol=1e-13)


def test_a_gap_in_a_condition_is_neither_observed_nor_returned(rng):
    v = gaussian(rng, 4)
    assert_same(v.condition([0, 2], np.array([1.0, np.nan])), v.marginal([0, 1, 3]).condition(0, 1.0))
    assert_same(v.condition(1, np.nan), v.marginal([0, 2, 3]))


def test_the_density_of_a_vector_with_gaps_is_that_of_what_was_seen(rng):
    v = gaussian(rng, 3)
    x = rng.normal(size=(5, 3))
    x[[0, 1, 1], [0, 1, 2]], x[2] = np.nan, np.nan
    expected = [
        v.marginal(np.flatnonzero(~np.isnan(row))).log_density(row[~np.isnan(row)]) if not np.isnan(row).all() else 0.0
        for row in x
    ]
    np.testing.assert_allclose(v.log_density(x), expected, rtol=1e-12, atol=1e-13)


# singular covariances


def line(rng, n=3):
    """A law on a line: the covariance has rank one."""
    direction = rng.normal(size=n)
    return Gaussian(rng.normal(size=n), np.outer(direction, direction)), direction


def test_samples_of_a_singular_law_lie_on_its_support(rng):
    v, direction = line(rng)
    across = np.linalg.svd(direction[None, :])[2][1:]
    away = (v.sample(rng, 1000) - v.mean) @ across.T
    assert not v.definite
    np.testing.assert_allclose(away, 0, atol=1e-14 * np.linalg.norm(direction))


def test_a_singular_law_is_the_limit_of_definite_ones(rng):
    v, _ = line(rng)
    L, m, Sigma = observation(rng, 3, 2)
    u = rng.normal(size=2)
    near = Gaussian(v.mean, v.cov + 1e-10 * np.eye(3))
    for image in (lambda w: w.posterior(L, m, Sigma, u), lambda w: w.affine(L, m, Sigma), lambda w: w.marginal([2, 0])):
        assert_same(image(v), image(near), atol=1e-7)


def test_an_observation_without_noise_holds_exactly_afterwards(rng):
    v, (L, m, _) = gaussian(rng, 4), observation(rng, 4, 2)
    u = rng.normal(size=2)
    after = v.posterior(L, m, np.zeros((2, 2)), u)
    np.testing.assert_allclose(L @ after.mean + m, u, rtol=0, atol=1e-12)
    np.testing.assert_allclose(L @ after.cov, 0, atol=1e-12 * np.abs(v.cov).max())
    assert not after.definite
    with pytest.raises(np.linalg.LinAlgError, match="rank is 0 of 2"):
        after.posterior(L, m, np.zeros((2, 2)), u)


def test_what_has_no_density_says_so_and_gives_its_rank(rng):
    v, _ = line(rng)
    definite = Gaussian(v.mean, np.eye(3))
    for call, name in [
        (v.entropy, "entropy(): cov"),
        (lambda: v.log_density(v.mean), "log_density(): cov"),
        (lambda: v.kl(definite), "kl(): self.cov"),
        (lambda: definite.kl(v), "kl(): other.cov"),
    ]:
        with pytest.raises(np.linalg.LinAlgError) as caught:
            call()
        assert str(caught.value).startswith(f"{name} must be positive definite, but its rank is 1 of 3")


def test_a_gap_can_make_a_density_of_a_law_that_has_none():
    twice = Gaussian(np.zeros(2), np.ones((2, 2)))
    with pytest.raises(np.linalg.LinAlgError, match="rank is 1 of 2"):
        twice.log_density(np.array([1.0, np.nan]))
    np.testing.assert_allclose(twice.marginal(0).log_density(np.array([1.0])), stats.norm.logpdf(1))


@given(st.integers(0, 2**32 - 1), st.floats(0, 9), st.floats(-9, 0))
def test_no_result_is_ever_indefinite_whatever_the_units_and_the_noise(seed, power, noise):
    rng = np.random.default_rng(seed)
    n, k = rng.integers(2, 7), rng.integers(1, 5)
    units = 10.0 ** rng.uniform(-power, power, size=n)
    F = rng.normal(size=(n, rng.integers(1, n + 1)))
    v = Gaussian(np.zeros(n), units[:, None] * (F @ F.T) * units)
    L, Sigma = rng.normal(size=(k, n)) / units, 10.0**noise * np.eye(k)
    posterior = v.posterior(L, np.zeros(k), Sigma, rng.normal(size=k))
    unit = posterior.cov / units[:, None] / units
    assert np.linalg.eigvalsh(unit).min() > -1e-13 * np.abs(F @ F.T).max()
    assert np.all(posterior.std <= v.std * (1 + 1e-7))
    joint(v, L, np.zeros(k), 0 * Sigma)


# batches, arguments, errors


def test_one_observation_serves_many_laws_and_many_observations_one_law(rng):
    v, (L, m, Sigma) = gaussian(rng, 3), observation(rng, 3, 2)
    u = rng.normal(size=(5, 4, 2))
    after = v.posterior(L, m, Sigma, u)
    assert (after.mean.shape, after.cov.shape) == ((5, 4, 3), (3, 3))  # what was seen is not in the covariance
    assert_same(v.posterior(L, m, Sigma, u[2, 3]), Gaussian(after.mean[2, 3], after.cov))
    u[0, 0, 1] = np.nan
    assert v.posterior(L, m, Sigma, u).cov.shape == (5, 4, 3, 3)
    many = gaussian(rng, 3, batch=(4,))
    assert joint(many, L, m, Sigma).mean.shape == (4, 5)
    assert many.sample(rng, 7).shape == (7, 4, 3)
    assert many.kl(v).shape == (4,)


def test_one_covariance_serves_many_means(rng):
    v = Gaussian(rng.normal(size=(6, 2)), spd(rng, 2))
    assert v.entropy().shape == v.log_density(v.mean).shape == (6,)
    assert v.sample(rng, 3).shape == (3, 6, 2)
    L, m, Sigma = observation(rng, 2, 1)
    assert v.posterior(L, m, Sigma, np.zeros(1)).mean.shape == joint(v, L, m, Sigma).mean[:, :2].shape == (6, 2)


def test_components_are_named_like_the_entries_of_an_array(rng):
    v = gaussian(rng, 4)
    for i in (2, -1, slice(1, 3), slice(None, None, -1), [3, 0], np.array([1, 1])):
        expected = np.atleast_1d(v.mean[i])
        np.testing.assert_array_equal(v.marginal(i).mean, expected)
    flipped = v.marginal([1, 0])
    np.testing.assert_array_equal(flipped.cov, v.cov[:2, :2][::-1, ::-1])


def test_a_law_is_frozen_and_its_arrays_are_its_own(rng):
    mean, cov = np.zeros(2), np.eye(2)
    v = Gaussian(mean, cov)
    mean[0], cov[0, 0] = 7, 7
    assert (v.mean[0], v.cov[0, 0]) == (0, 1)
    with pytest.raises(ValueError, match="read-only"):
        v.mean[0] = 1
    with pytest.raises(AttributeError):
        v.mean = np.ones(2)


def test_integers_and_single_precision_become_double(rng):
    v = Gaussian(np.array([0, 1]), np.eye(2, dtype=np.float32))
    assert v.mean.dtype == v.cov.dtype == np.float64


def test_no_inverse_is_formed(rng, monkeypatch):
    v, (L, m, Sigma) = gaussian(rng, 3), observation(rng, 3, 2)

    def refuse(*_, **__):
        raise AssertionError("an inverse was formed")

    for name in ("inv", "pinv"):
        monkeypatch.setattr(np.linalg, name, refuse)
    v.posterior(L, m, Sigma, np.zeros(2)).kl(v)
    joint(v, L, m, Sigma).condition([0], np.zeros(1)).entropy()
    v.log_density(v.sample(rng, 2))


V = Gaussian(np.zeros(2), np.eye(2))
L, m, SIGMA, u = np.ones((1, 2)), np.zeros(1), np.eye(1), np.zeros(1)
NAN = np.full(1, np.nan)
WRONG = {
    "a covariance of another size": (lambda: Gaussian(np.zeros(3), np.eye(2)), "cov has shape (2, 2), but (..., n, n)"),
    "a covariance without rows": (lambda: Gaussian(np.zeros(2), np.ones(2)), "cov has shape (2,), but"),
    "not symmetric": (
        lambda: Gaussian(np.zeros(2), np.array([[1, 0.2], [0.3, 1]])),
        "Gaussian(): cov must be symmetric, but cov[0, 1] = 0.2 and cov[1, 0] = 0.3 differ by 0.1; (cov + cov.mT) / 2",
    ),
    "indefinite": (
        lambda: Gaussian(np.zeros(2), np.array([[1.0, 2], [2, 1]])),
        "Gaussian(): cov must be positive semidefinite, but its smallest eigenvalue at unit variances is -1; a product",
    ),
    "a negative variance": (lambda: Gaussian(np.zeros(2), np.diag([1.0, -2])), "cov[1, 1] is -2, but a variance is"),
    "the noise indefinite": (lambda: V.posterior(L, m, -SIGMA, u), "posterior(): Sigma[0, 0] is -1, but a variance"),
    "NaN in the mean": (lambda: Gaussian(np.array([0, np.nan]), np.eye(2)), "mean[1] is nan"),
    "infinity in the covariance": (lambda: Gaussian(np.zeros(1), np.array([[np.inf]])), "cov[0, 0] is inf"),
    "a complex mean": (
        lambda: Gaussian(np.ones(1) * 1j, np.eye(1)),
        "mean has dtype complex128, but Gaussians here are",
    ),
    "NaN in the map": (
        lambda: V.affine(L * np.nan, m, SIGMA),
        "affine(): L must hold finite numbers, but L[0, 0] is nan",
    ),
    "infinite data": (
        lambda: V.posterior(L, m, SIGMA, u + np.inf),
        "posterior(): u must hold finite numbers, but u[0] is inf",
    ),
    "infinite x": (
        lambda: V.log_density(np.array([0, -np.inf])),
        "log_density(): x must hold finite numbers, but x[1] is -inf",
    ),
    "words": (lambda: V.log_density(["a", "b"]), "log_density(): x has dtype <U1, but linear algebra needs"),
    "a masked array": (
        lambda: V.posterior(L, m, SIGMA, np.ma.masked_array(u, mask=[True])),
        "posterior(): u is a masked array; u.filled(np.nan) marks its gaps as NaN",
    ),
    "a masked value": (lambda: V.condition(0, np.ma.masked), "condition(): value is a masked array"),
    "NaN in the offset": (lambda: V.posterior(L, NAN, SIGMA, u), "m[0] is nan"),
    "a map of other vectors": (lambda: V.affine(L.T, m, SIGMA), "L has shape (2, 1), but (..., k, n) = (..., k, 2)"),
    "an observation too long": (
        lambda: V.posterior(L, m, SIGMA, np.zeros(2)),
        "u has shape (2,), but (..., k) = (..., 1)",
    ),
    "the offset of the slide": (
        lambda: joint(V, L, np.zeros(2), SIGMA),
        "joint(): m has shape (2,), but (..., k) = (..., 1)",
    ),
    "a value too long": (lambda: V.condition([0], np.zeros(2)), "condition(): value has shape (2,), but"),
    "a component twice": (lambda: V.condition([0, 0], np.zeros(2)), "condition(): i = [0, 0] names a component twice"),
    "other lengths": (
        lambda: V.kl(V.marginal(0)),
        "kl(): other.mean has shape (1,), but (..., n) = (..., 2) is needed",
    ),
    "leading axes": (
        lambda: Gaussian(np.zeros((3, 2)), np.stack([np.eye(2)] * 4)),
        "the leading axes must broadcast together, but they are (3,) of mean, (4,) of cov",
    ),
}


@pytest.mark.usefixtures("production")
@pytest.mark.parametrize(("call", "message"), WRONG.values(), ids=WRONG)
def test_what_does_not_fit_is_refused_with_what_came(call, message):
    with pytest.raises(ValueError, match=r"\(\): ") as caught:
        call()
    assert message in str(caught.value)


@pytest.mark.usefixtures("production")
@pytest.mark.parametrize("i", [2, -3, [0, 2], 0.5, True, None, [[0, 1]], "a", np.array([True, False, True])])
def test_a_component_that_is_not_there_is_refused(i):
    with pytest.raises(
        IndexError, match=r"marginal\(\): i = .* names no components of a vector with 2, which are 0 to 1"
    ):
        V.marginal(i)


def test_the_worst_of_a_batch_is_named():
    cov = np.stack([np.eye(2), np.array([[1, 1.5], [1.5, 1]]), np.array([[1, 3.0], [3, 1]])])
    with pytest.raises(ValueError, match=r"at leading index \(2,\) its smallest eigenvalue at unit variances is -2"):
        Gaussian(np.zeros(2), cov)


def test_observed_components_that_determine_each_other_are_refused():
    with pytest.raises(np.linalg.LinAlgError, match=r"condition\(\): the covariance S .* rank is 1 of 2; leave out"):
        Gaussian(np.zeros(3), np.ones((3, 3))).condition([0, 1], np.zeros(2))


@pytest.mark.parametrize(("mean", "cov"), [(np.zeros(3), np.eye(2)), (np.zeros(2), np.ones((2, 3)))])
def test_shapes_are_checked_by_the_annotations_too(mean, cov):
    with pytest.raises((jaxtyping.TypeCheckError, ValueError)):
        Gaussian(mean, cov)
