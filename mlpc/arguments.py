"""Arguments as arrays of fitting shapes with finite entries, or an error that says what would fit."""

from collections.abc import Mapping

import numpy as np

LINEAR_ALGEBRA = "fdFD"  # the dtypes LAPACK knows: float32, float64, complex64, complex128


def arrays(asked: str, **arguments: tuple[object, str]) -> list[np.ndarray]:
    """Return the arguments of a function as arrays, ready for linear algebra.

    Parameters
    ----------
    asked : str
        Name of the function, for the messages.
    **arguments : pair of an array and the names of its last axes
        As in ``U=(U, "n k")``. Equal names ask for equal sizes; an axis can also be a number. The axes before those
        must broadcast together.

    Returns
    -------
    list of arrays
        In the order given; booleans and integers as float64, the rest in their own dtype.

    Raises
    ------
    ValueError
        If a dtype is none that linear algebra knows, a shape does not fit those before it, an entry is not a finite
        number, or the leading axes do not broadcast. The message says what was asked, what came, and what would fit.

    Examples
    --------
    >>> A, b = arrays("solve", A=(np.eye(2), "n n"), b=([1, 2], "n"))
    >>> b
    array([1., 2.])
    >>> arrays("solve", A=(np.eye(2), "n n"), b=(np.ones((2, 1)), "n"))
    Traceback (most recent call last):
    ValueError: solve(): b has shape (2, 1), but (..., n) = (..., 2) is needed; b[..., 0] would fit
    """
    sizes: dict[str, int] = {}
    leading: dict[str, tuple[int, ...]] = {}
    checked = []
    for name, (given, axes) in arguments.items():
        array = _numbers(asked, name, given)
        bound = _bind(array.shape, axes, sizes)
        if bound is None:
            raise ValueError(
                f"{asked}(): {name} has shape {array.shape}, but {_wanted(name, array.shape, axes, sizes)}"
            )
        if not np.isfinite(array).all():
            raise ValueError(f"{asked}(): {_not_finite(name, array)}")
        sizes = bound
        leading[name] = array.shape[: array.ndim - len(axes.split())]
        checked.append(array)
    if len(set(leading.values())) > 1:
        _refuse_unless_broadcast(asked, leading)
    return checked


def keep(owner: object, **fields: np.ndarray) -> None:
    """Give a frozen dataclass these arrays as fields, read-only, so that nothing checked can change afterwards.

    >>> from types import SimpleNamespace
    >>> keep(owner := SimpleNamespace(), limits=np.arange(2))
    >>> owner.limits.flags.writeable
    False
    """
    for name, array in fields.items():
        array.setflags(write=False)
        object.__setattr__(owner, name, array)


def _numbers(asked: str, name: str, given: object) -> np.ndarray:
    array = np.asarray(given)
    if array.dtype.kind in "biu":
        return array.astype(np.float64)
    if array.dtype.char not in LINEAR_ALGEBRA:
        known = "float32, float64, complex64 or complex128, or integers"
        raise ValueError(f"{asked}(): {name} has dtype {array.dtype}, but linear algebra needs {known}")
    return array


def _bind(shape: tuple[int, ...], axes: str, sizes: Mapping[str, int]) -> dict[str, int] | None:
    """Return the sizes known once the last axes have their names, or None if these contradict what is known."""
    names = axes.split()
    if len(shape) < len(names):
        return None
    bound = dict(sizes)
    for name, size in zip(names, shape[len(shape) - len(names) :], strict=True):
        if bound.setdefault(name, int(name) if name.isdigit() else size) != size:
            return None
    return bound


def _wanted(name: str, shape: tuple[int, ...], axes: str, sizes: Mapping[str, int]) -> str:
    names = axes.split()
    pattern = ", ".join(["...", *names])
    concrete = ", ".join(["...", *(str(sizes.get(axis, axis)) for axis in names)])
    wanted = f"({pattern}) is needed" if concrete == pattern else f"({pattern}) = ({concrete}) is needed"
    repairs = {
        ".mT": (*shape[:-2], *shape[:-3:-1]) if len(names) == 2 else (),
        "[..., None]": (*shape, 1),
        "[..., None, :]": (*shape[:-1], 1, *shape[-1:]),
        "[..., 0]": shape[:-1] if shape[-1:] == (1,) else (),
    }
    fitting = [name + repair for repair, repaired in repairs.items() if _bind(repaired, axes, sizes) is not None]
    return f"{wanted}; {' or '.join(fitting)} would fit" if fitting else wanted


def _not_finite(name: str, array: np.ndarray) -> str:
    where = np.argwhere(~np.isfinite(array)).tolist()
    first = f"{name}{where[0]} is {array[tuple(where[0])]}" if where[0] else f"it is {array}"
    return f"{name} must hold finite numbers, but {first}" + (f", and {len(where) - 1} more" if len(where) > 1 else "")


def _refuse_unless_broadcast(asked: str, leading: Mapping[str, tuple[int, ...]]) -> None:
    try:
        np.broadcast_shapes(*leading.values())
    except ValueError:
        came = ", ".join(f"{shape} of {name}" for name, shape in leading.items())
        raise ValueError(f"{asked}(): the leading axes must broadcast together, but they are {came}") from None
