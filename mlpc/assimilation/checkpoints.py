"""Long runs that can be stopped: what is known so far in one file, whole or not at all, never believed blindly.

A file is an uncompressed npz archive of plain arrays, one of which is a JSON text that says what they are; nothing in
it is ever executed. Its SHA-256 tells damage, the identities of what was run tell a file that belongs to another run.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
import types
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from array_api_compat import device, is_torch_array

from mlpc.assimilation.backends import Array, namespace, numpy

OURS = "mlpc.assimilation."
FORMAT = "mlpc checkpoint 1"
PLAIN = types.NoneType | int | float | complex | str | bytes | types.EllipsisType | types.NotImplementedType | slice
HOLDERS = ("__func__", "fget", "func", "__wrapped__")  # where methods, properties and caches hold a function
INTERVAL = 60.0  # seconds from one writing to the next
SHARE = 20.0  # and at least so many times as long as the last writing took
CONSTANTS = PLAIN | tuple | list | dict | set | frozenset | np.ndarray | np.generic  # besides tensors
LIBRARIES = {"mlpc", "numpy", "scipy", "torch", *sys.stdlib_module_names}  # whose classes are told by their names


class Checkpoint:
    """One file that holds the state of one run.

    Parameters
    ----------
    path : path
        Where; the folder must exist. While the file is written, a second one with the suffix ``.part`` is beside it.
    identities : mapping
        What the run is made of, as hashes by :func:`identity`: a file with others is refused.
    beside : array
        Whose library and device the arrays get that were tensors.

    Raises
    ------
    ValueError
        If there is no such folder.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Checkpoint(f"{folder}/run.npz", {"filter": identity("Kalman")}, np.zeros(1))
    ...     file.write({"cycle": 3, "mean": np.ones(2)})
    ...     file.read()
    {'cycle': 3, 'mean': array([1., 1.])}
    """

    def __init__(self, path: str | os.PathLike[str], identities: Mapping[str, str], beside: Array) -> None:
        self.path, self.identities, self.beside = Path(path), dict(identities), beside
        self._next = 0.0  # the first writing comes at once, so that what cannot be written is known at once
        if not self.path.parent.is_dir():
            raise ValueError(f"run(): checkpoint is {str(self.path)!r}, but there is no folder {self.path.parent}")

    @property
    def due(self) -> bool:
        """Whether it is time to write again."""
        return time.monotonic() >= self._next

    def read(self) -> dict[str, Any] | None:
        """Return what was written, or None without a file; raise `ValueError` if it is damaged or another run's."""
        if not self.path.exists():
            return None
        arrays, text = _unsealed(self.path)
        header = json.loads(text)
        differ = [name for name, mine in self.identities.items() if header["identities"].get(name) != mine]
        if differ:
            raise ValueError(
                f"run(): the checkpoint {self.path} belongs to another run ({' and '.join(differ)} differ); go on with "
                "what it was made with, or remove it"
            )
        return _decoded(header["content"], arrays, self.beside)

    def write(self, content: dict[str, Any]) -> None:
        """Write JSON values, arrays and dataclasses of this package; the old file stays until the new one is whole."""
        begun = time.monotonic()
        arrays: dict[str, np.ndarray] = {}
        header = {"identities": self.identities, "content": _encoded(content, arrays)}
        part = self.path.with_name(self.path.name + ".part")
        try:
            with part.open("wb") as file:
                np.savez(file, **_sealed(arrays, json.dumps(header)))
                file.flush()
                os.fsync(file.fileno())
            os.replace(part, self.path)
        finally:
            part.unlink(missing_ok=True)
        now = time.monotonic()
        self._next = now + max(INTERVAL, SHARE * (now - begun))

    def remove(self) -> None:
        """Remove the file: the run is complete."""
        self.path.unlink(missing_ok=True)


def identity(value: Any) -> str:
    """Return a SHA-256 of what a value is made of: numbers, arrays, objects by their fields, functions by their code.

    A class that is no library's is told by its methods, too: one that was edited is another one. Two values of the same
    identity do the same, except for what functions look up by its name elsewhere.

    Raises
    ------
    ValueError
        If it holds something that has no such description, as an open file, or what `numpy.frompyfunc` made.

    Examples
    --------
    >>> identity(np.arange(3)) == identity(np.arange(3)), identity(np.arange(3)) == identity(np.arange(3.0))
    (True, False)
    """
    digest = hashlib.sha256()
    _describe(value, digest.update, set())
    return digest.hexdigest()


def _describe(value: Any, tell: Callable[[bytes], None], open_: set[int]) -> None:
    """Tell the bytes of a value, depth first; what contains itself is told once."""
    if isinstance(value, np.ndarray | np.generic) or is_torch_array(value):
        array = np.ascontiguousarray(numpy(value))
        library = "torch" if is_torch_array(value) else "numpy"
        tell(f"{library} {array.dtype.str} {array.shape}".encode())
        return tell(array.tobytes())
    if isinstance(value, PLAIN):
        return tell(f"{type(value).__name__} {value!r};".encode())
    if id(value) in open_:
        return tell(b"itself;")
    name, parts = _parts(value)
    tell(f"{name} {len(parts)}(".encode())
    for part in parts:
        _describe(part, tell, open_ | {id(value)})
    return tell(b")")


def _parts(value: Any) -> tuple[str, list[Any]]:
    """Return the kind of a value, and the values that it is made of."""
    kind = f"{type(value).__module__}.{type(value).__qualname__}"
    if isinstance(value, tuple | list):
        return kind, list(value)
    if isinstance(value, dict):
        return kind, [*value.keys(), *value.values()]
    if isinstance(value, set | frozenset):
        return kind, sorted(map(identity, value))
    if isinstance(value, types.CodeType):
        return kind, [value.co_code, value.co_names, value.co_consts]
    if isinstance(value, types.FunctionType):
        inside = [cell.cell_contents for cell in value.__closure__ or ()]
        return kind, [value.__code__, value.__defaults__, value.__kwdefaults__, inside]
    if isinstance(value, types.MethodType):
        return kind, [value.__self__, value.__func__.__qualname__ if _in_library(value.__func__) else value.__func__]
    if isinstance(value, partial):
        return kind, [value.func, value.args, value.keywords]
    if isinstance(value, np.random.Generator):
        return kind, [value.bit_generator.state]
    if isinstance(value, type):
        name = [value.__module__, value.__qualname__]
        return kind, name if _in_library(value) else [*name, _body(value), *value.__bases__]
    if is_dataclass(value):
        parts = [part for field in fields(value) for part in (field.name, getattr(value, field.name))]
        return kind, [type(value), *parts]
    if isinstance(value, types.BuiltinFunctionType):
        owner = None if isinstance(value.__self__, types.ModuleType) else value.__self__
        return kind, [value.__module__, value.__qualname__, owner]
    if isinstance(value, np.ufunc) and not value.__name__.endswith("(vectorized)"):  # by np.frompyfunc
        return kind, [value.__name__]
    if hasattr(value, "__dict__") and not isinstance(value, np.ufunc):
        return kind, [type(value), vars(value)]
    raise ValueError(f"run(): a checkpoint must know what was run, but cannot tell what {value!r} is made of")


def _in_library(value: Any) -> bool:
    """Return whether a class or a function is told by its name."""
    return str(value.__module__).partition(".")[0] in LIBRARIES


def _body(kind: type) -> dict[str, Any]:
    """Return what is written in a class: its functions, also those in properties and the like, and its constants."""
    body = {}
    for name, value in vars(kind).items():
        inside = [value, *(getattr(value, holder, None) for holder in HOLDERS)]
        functions = [one for one in inside if isinstance(one, types.FunctionType)]
        constant = isinstance(value, CONSTANTS) or is_torch_array(value)
        if functions or (constant and not name.startswith("__")):
            body[name] = functions[0] if functions else value
    return body


def _encoded(value: Any, arrays: dict[str, np.ndarray]) -> Any:
    """Return a JSON value in which arrays are named, and put them aside."""
    if isinstance(value, np.ndarray | np.generic) or is_torch_array(value):
        name = f"array{len(arrays)}"
        arrays[name] = numpy(value)
        if arrays[name].dtype.hasobject:
            raise ValueError("run(): a checkpoint holds arrays of numbers, but a field of the state holds objects")
        return {"array": name, "tensor": bool(is_torch_array(value))}
    if is_dataclass(value):
        kind = type(value)
        if not kind.__module__.startswith(OURS):
            raise ValueError(
                f"run(): a checkpoint holds states of {OURS[:-1]} only, but {kind.__qualname__} is another's"
            )
        parts = {field.name: getattr(value, field.name) for field in fields(value)}
        return {"class": f"{kind.__module__}:{kind.__qualname__}", "fields": _encoded(parts, arrays)}
    if isinstance(value, dict):
        return {"items": {name: _encoded(part, arrays) for name, part in value.items()}}
    return value


def _decoded(value: Any, arrays: dict[str, np.ndarray], beside: Array) -> Any:
    """Return the value of which `_encoded` made JSON."""
    if not isinstance(value, dict):
        return value
    if "array" in value:
        array = arrays[value["array"]]
        return namespace(beside).asarray(array, device=device(beside)) if value["tensor"] else array
    if "items" in value:
        return {name: _decoded(part, arrays, beside) for name, part in value["items"].items()}
    module, _, name = value["class"].partition(":")
    kind = getattr(import_module(module), name, None) if module.startswith(OURS) else None
    if not (isinstance(kind, type) and is_dataclass(kind)):
        raise ValueError(
            f"run(): the checkpoint asks for {module}:{name}, but only dataclasses of {OURS[:-1]} are made"
        )
    return kind(**_decoded(value["fields"], arrays, beside))


def _sealed(arrays: dict[str, np.ndarray], text: str) -> dict[str, Any]:
    """Return all that goes into the file: the arrays, the text, and the hash of both."""
    named = {**arrays, "text": np.frombuffer(text.encode(), np.uint8)}
    return {**named, "sha256": np.frombuffer(bytes.fromhex(identity([FORMAT, named])), np.uint8)}


def _unsealed(path: Path) -> tuple[dict[str, np.ndarray], str]:
    """Return the arrays and the text of a file whose hash is right."""
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            arrays = dict(file)
        seal = arrays.pop("sha256").tobytes().hex()
        text = arrays["text"].tobytes().decode()
        whole = seal == identity([FORMAT, arrays])
    except Exception as error:  # whatever a damaged archive makes of itself
        raise ValueError(_damaged(path)) from error
    if not whole:
        raise ValueError(_damaged(path))
    return arrays, text


def _damaged(path: Path) -> str:
    return f"run(): {path} is no whole checkpoint of this package; it was left as it is: remove it to begin again"
