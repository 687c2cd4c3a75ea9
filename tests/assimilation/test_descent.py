"""Descents of a batch of costs: full steps, shorter ones, and none."""

import numpy as np

from mlpc.assimilation.descent import descend


class Arctangent:
    """Half of arctan² x: full Gauss-Newton steps from beyond 1.4 go farther and farther away."""

    def cost(self, x):
        return np.arctan(x[..., 0]) ** 2 / 2

    def newton(self, x):
        step = -np.arctan(x) * (1 + x**2)
        return step, self.cost(x)


def test_descent_shortens_steps_that_would_raise_the_cost():
    x, history, converged = descend(Arctangent(), np.array([[10.0], [0.5], [-3.0]]), iterations=50, tolerance=1e-12)
    assert converged.all()
    assert np.abs(x).max() < 1e-6
    assert (np.diff(history, axis=-1) <= 0).all()


def test_descent_from_where_the_cost_is_not_finite_stays_there():
    start = np.array([[np.nan], [0.5]])
    x, _, converged = descend(Arctangent(), start, iterations=50, tolerance=1e-12)
    assert np.isnan(x[0])
    assert abs(x[1]) < 1e-6
    np.testing.assert_array_equal(converged, [False, True])


class Uphill:
    """A square, and steps that lead the wrong way."""

    def cost(self, x):
        return x[..., 0] ** 2

    def newton(self, x):
        return x, np.ones(x.shape[:-1])


def test_descent_without_a_lower_cost_gives_up_and_says_so():
    x, history, converged = descend(Uphill(), np.array([[1.0]]), iterations=50, tolerance=1e-12)
    np.testing.assert_array_equal(history, [[1.0, 1.0]])
    assert x == 1
    assert not converged
