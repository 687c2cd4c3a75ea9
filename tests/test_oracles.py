"""The kymatio shim: it imports, it computes the right functions, and it leaves SciPy as it was."""

import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import scipy.special

from tests.oracles import sph_harm

ROOT = Path(__file__).parents[1]

AS_IT_IS = "import scipy.special\n"
OLDER = AS_IT_IS + "scipy.special.sph_harm = marker = lambda *_: 1 / 0\n"
NEWER = AS_IT_IS + "vars(scipy.special).pop('sph_harm', None)\n"
USE = """
import sys
import numpy as np
sys.path.insert(0, {root!r})
before = vars(scipy.special).get('sph_harm')
from tests.oracles import kymatio
frontend = kymatio({frontend!r})
assert vars(scipy.special).get('sph_harm') is before, 'SciPy was left patched'
x = np.random.default_rng(0).normal(size=(8, 8, 8)).astype(np.float32)
if {frontend!r} == 'torch':
    import torch
    x = torch.from_numpy(x)
assert frontend.Scattering1D(J=2, shape=(64,))(x.reshape(-1)[:64]).ndim == 2
assert frontend.Scattering2D(J=1, shape=(8, 8))(x[0]).shape == (9, 4, 4)
out = np.asarray(frontend.HarmonicScattering3D(J=1, shape=(8, 8, 8), L=1, integral_powers=(1.0,))(x[None]))
assert np.isfinite(out).all() and (out > 0).all()
"""


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize("frontend", ["numpy", "torch"])
@pytest.mark.parametrize(
    "scipy_has", [AS_IT_IS, OLDER, NEWER], ids=["scipy as it is", "with sph_harm", "without sph_harm"]
)
def test_kymatio_imports_and_runs_without_a_warning_and_scipy_is_left_as_it_was(frontend, scipy_has):
    done = run(scipy_has + USE.format(root=str(ROOT), frontend=frontend))
    assert done.returncode == 0, done.stderr


def test_without_the_shim_kymatio_does_not_import_on_a_scipy_that_has_no_sph_harm():
    done = run(NEWER + "import kymatio.numpy")
    assert "cannot import name 'sph_harm'" in done.stderr


@pytest.mark.skipif(not hasattr(scipy.special, "sph_harm"), reason="SciPy 1.17 and later have no old function")
def test_the_shim_is_the_old_function(rng):
    m, n = np.array([(m, n) for n in range(7) for m in range(-n, n + 1)]).T[:, :, None]
    azimuth, polar = rng.uniform(0, 2 * np.pi, size=200), rng.uniform(0, np.pi, size=200)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        old = scipy.special.sph_harm(m, n, azimuth, polar)
    np.testing.assert_allclose(sph_harm(m, n, azimuth, polar), old, rtol=0, atol=1e-12)


def closed_form(azimuth, polar):
    """Y₂¹ with the phase of Condon and Shortley."""
    return -np.sqrt(15 / (8 * np.pi)) * np.sin(polar) * np.cos(polar) * np.exp(1j * azimuth)


def test_the_shim_is_the_closed_form_and_the_bare_alias_is_not(rng):
    azimuth, polar = rng.uniform(0, 2 * np.pi, size=200), rng.uniform(0, np.pi, size=200)
    expected = closed_form(azimuth, polar)
    np.testing.assert_allclose(sph_harm(1, 2, azimuth, polar), expected, rtol=0, atol=1e-13)
    for alias in (
        scipy.special.sph_harm_y(1, 2, azimuth, polar),
        scipy.special.sph_harm_y(2, 1, azimuth, polar),
        scipy.special.sph_harm_y(1, 2, polar, azimuth),
    ):
        assert np.abs(alias - expected).max() > 0.1


def test_importing_the_package_and_scipy_sees_neither_kymatio_nor_a_patch():
    done = run(
        "import sys, scipy.special, mlpc.basics\n"
        "assert 'kymatio' not in sys.modules\n"
        "own = vars(scipy.special).get('sph_harm')\n"
        "assert type(own).__name__ != 'function', own\n"
    )
    assert done.returncode == 0, done.stderr
