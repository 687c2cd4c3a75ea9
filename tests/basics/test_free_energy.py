"""Gibbs, the bound, Fisher's identity and mean field against scipy, torch, enumeration and closed forms of physics."""

import itertools

import numpy as np
import pytest
import scipy.special
import scipy.stats
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mlpc.basics import IsingLattice, fisher_identity, gibbs, log_partition_bound

scores = hnp.arrays(float, st.integers(1, 8), elements=st.floats(-50, 50))

# Gibbs and the bound


@given(scores, st.floats(-1e4, 1e4))
def test_gibbs_is_softmax_and_a_shift_of_f_is_a_shift_of_log_z(f, shift):
    q, log_z = gibbs(f)
    np.testing.assert_allclose(q, scipy.special.softmax(f), rtol=1e-12)
    np.testing.assert_allclose(log_z, np.log(np.sum(np.exp(f))), rtol=1e-12, atol=1e-12)
    assert gibbs(f + shift)[1] == pytest.approx(log_z + shift, rel=1e-12, abs=1e-10)


@given(scores, st.integers(0, 2**32 - 1))
def test_gap_of_the_bound_is_the_divergence_from_gibbs(f, seed):
    q = np.random.default_rng(seed).dirichlet(np.ones(len(f)))
    best, log_z = gibbs(f)
    gap = scipy.special.rel_entr(q, best).sum()
    assert log_z - log_partition_bound(f, q) == pytest.approx(gap, rel=1e-9, abs=1e-9)
    assert log_partition_bound(f, best) == pytest.approx(log_z, rel=1e-12, abs=1e-10)


def test_a_state_without_probability_counts_nothing():
    assert log_partition_bound(np.array([3.0, 700.0]), np.array([1.0, 0.0])) == 3.0


def test_batches_broadcast(rng):
    f, q = rng.normal(size=(4, 1, 5)), rng.dirichlet(np.ones(5), size=3)
    together = log_partition_bound(f, q)
    assert together.shape == (4, 3)
    assert together[2, 1] == pytest.approx(log_partition_bound(f[2, 0], q[1]))


@pytest.mark.usefixtures("production")
@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: gibbs(np.zeros(0)), r"f has shape \(0,\), but one state or more is needed"),
        (lambda: gibbs(np.array([np.inf])), r"gibbs\(\): f must hold finite numbers, but f\[0\] is inf"),
        (lambda: log_partition_bound(np.zeros(2), np.array([0.5, 0.6])), r"sums lie between 1\.1 and 1\.1"),
        (lambda: log_partition_bound(np.zeros(2), np.array([1.5, -0.5])), r"its smallest entry is -0\.5"),
        (lambda: log_partition_bound(np.zeros(3), np.array([0.5, 0.5])), r"q has shape \(2,\)"),
        (lambda: fisher_identity(np.zeros(3), np.zeros((2, 1))), r"gradients has shape \(2, 1\)"),
    ],
)
def test_what_is_no_distribution_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# Fisher's identity


def log_joint(theta, x):
    """Of a mixture of three Gaussians whose logits, means and log-deviations are the parameters."""
    logits, means, widths = theta.reshape(3, 3)
    return torch.log_softmax(logits, 0) + torch.distributions.Normal(means, widths.exp()).log_prob(x)


def test_mean_of_the_complete_gradients_is_the_gradient_of_autograd(rng):
    theta = torch.tensor(rng.normal(size=9), requires_grad=True)
    for x in torch.tensor(rng.normal(size=4) * 2):
        complete = torch.autograd.functional.jacobian(lambda t, x=x: log_joint(t, x), theta.detach())
        observed = torch.autograd.grad(torch.logsumexp(log_joint(theta, x), 0), theta)[0]
        by_identity = fisher_identity(log_joint(theta, x).detach().numpy(), complete.numpy())
        np.testing.assert_allclose(by_identity, observed, rtol=1e-10, atol=1e-12)


# the lattice


def by_enumeration(lattice):
    sites = lattice.rows * lattice.columns
    every = np.array(list(itertools.product([-1.0, 1.0], repeat=sites))).reshape(-1, lattice.rows, lattice.columns)
    return every, lattice.score(every)


@pytest.mark.parametrize("size", [(2, 2), (3, 4), (4, 2)])
@pytest.mark.parametrize(("coupling", "field"), [(0.4, 0.0), (-0.3, 0.7), (1.5, -0.2)])
def test_transfer_matrix_sums_over_all_configurations(size, coupling, field):
    lattice = IsingLattice(*size, coupling, field)
    assert lattice.log_partition() == pytest.approx(scipy.special.logsumexp(by_enumeration(lattice)[1]), rel=1e-12)


def test_score_counts_each_bond_once():
    lattice = IsingLattice(3, 5, coupling=1.0, field=10.0)
    up = np.ones((3, 5))
    assert lattice.score(up) == 2 * 15 + 10 * 15
    up[1, 2] = -1
    assert lattice.score(up) == 2 * 15 - 8 + 10 * 13


def test_long_strip_reaches_the_closed_form_of_the_chain():
    """Two chains joined twice are one chain of four-state spins, whose largest eigenvalue decides."""
    lattice = IsingLattice(2, 400, coupling=0.3)
    row = np.array(list(itertools.product([-1, 1], repeat=2)))
    matrix = np.exp(0.3 * (row @ row.T) + 0.3 * (row.prod(axis=1)[:, None] + row.prod(axis=1)))
    assert lattice.log_partition() / 400 == pytest.approx(np.log(np.linalg.eigvalsh(matrix)[-1]), rel=1e-10)


def test_infinite_lattice_of_onsager_is_near():
    """At J = 0.3, above the critical temperature, ten columns are close to the known integral over the plane."""
    coupling = 0.3
    angles = (np.arange(2000) + 0.5) * np.pi / 2000
    k = 2 * np.sinh(2 * coupling) / np.cosh(2 * coupling) ** 2
    inner = np.log((1 + np.sqrt(1 - k**2 * np.sin(angles) ** 2)) / 2).mean() / 2
    onsager = np.log(2 * np.cosh(2 * coupling)) + inner
    assert IsingLattice(10, 60, coupling).log_partition() / 600 == pytest.approx(onsager, rel=2e-4)


@given(st.floats(-0.8, 0.8), st.floats(-1, 1), st.integers(0, 2**32 - 1))
def test_mean_field_rises_to_a_stationary_point_below_log_z(coupling, field, seed):
    lattice = IsingLattice(3, 4, coupling, field)
    start = np.random.default_rng(seed).uniform(-1, 1, size=(3, 4))
    m, history = lattice.mean_field(start, tol=1e-11, most=100_000)  # a sweep near a bifurcation gains little for long
    assert np.all(np.diff(history) >= -1e-12)
    assert history[-1] <= lattice.log_partition() + 1e-12
    step = 1e-6 * np.random.default_rng(seed).normal(size=m.shape)
    inside = np.clip(m + step, -1, 1)
    assert lattice.mean_field_bound(inside) <= history[-1] + 1e-9


def test_bound_of_independent_spins_is_the_bound_of_their_product_distribution(rng):
    lattice = IsingLattice(2, 3, 0.5, -0.1)
    m = rng.uniform(-1, 1, size=(2, 3))
    every, f = by_enumeration(lattice)
    q = np.prod((1 + every * m) / 2, axis=(1, 2))
    assert lattice.mean_field_bound(m) == pytest.approx(log_partition_bound(f, q), rel=1e-12)


def test_without_coupling_mean_field_is_exact():
    lattice = IsingLattice(3, 3, coupling=0.0, field=0.7)
    m, history = lattice.mean_field(np.zeros((3, 3)))
    np.testing.assert_allclose(m, np.tanh(0.7))
    assert history[-1] == pytest.approx(lattice.log_partition(), rel=1e-12)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: IsingLattice(1, 4, 0.1), ValueError, "sides of 2 or more are needed, but they are 1 and 4"),
        (lambda: IsingLattice(2, 4, np.nan), ValueError, "coupling nan and field 0.0 must be finite"),
        (lambda: IsingLattice(13, 20, 0.1).log_partition(), ValueError, "the shorter side is 13, but at most 12"),
        (lambda: IsingLattice(2, 2, 0.1).mean_field(np.zeros((3, 2))), ValueError, r"must have shape \(2, 2\)"),
        (lambda: IsingLattice(2, 2, 0.1).mean_field(np.full((2, 2), 2.0)), ValueError, "entries from 2 to 2"),
        (
            lambda: IsingLattice(4, 4, 0.26).mean_field(np.full((4, 4), 1e-3), tol=1e-15, most=3),
            RuntimeError,
            "the last of 3 sweeps still gained",
        ),
    ],
)
def test_impossible_lattices_are_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()
