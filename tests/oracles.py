"""Other people's libraries as oracles: made to import and to compute right, without a trace left behind.

kymatio 0.3.0 asks SciPy for ``sph_harm``, which SciPy deprecates in 1.15 and no longer has in 1.17.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType

import numpy as np
import scipy.special
from numpy.typing import ArrayLike


def sph_harm(m: ArrayLike, n: ArrayLike, theta: ArrayLike, phi: ArrayLike) -> np.ndarray:
    """Return the spherical harmonic of order m and degree n at azimuth theta and polar angle phi, as SciPy once did.

    ``sph_harm_y`` takes degree before order and the polar angle before the azimuth: *both* pairs change places.

    >>> pole = sph_harm(0, 1, 0.3, 0.0)  # Y₁⁰ at the pole, √(3/4π), whatever the azimuth
    >>> bool(np.isclose(pole, np.sqrt(3 / (4 * np.pi))))
    True
    """
    return scipy.special.sph_harm_y(n, m, phi, theta)


def kymatio(frontend: str) -> ModuleType:
    """Import ``kymatio.numpy`` or ``kymatio.torch`` with the shim in SciPy's place; what it warns of stays inside.

    kymatio keeps the function that it imported, so SciPy gets its own one back at once, or none.
    """
    with _scipy_offering(sph_harm), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return import_module(f"kymatio.{frontend}")


@contextmanager
def _scipy_offering(function: object) -> Iterator[None]:
    absent = object()
    own = vars(scipy.special).get("sph_harm", absent)
    scipy.special.sph_harm = function  # type: ignore[attr-defined]
    try:
        yield
    finally:
        if own is absent:
            del scipy.special.sph_harm  # type: ignore[attr-defined]
        else:
            scipy.special.sph_harm = own  # type: ignore[attr-defined]
