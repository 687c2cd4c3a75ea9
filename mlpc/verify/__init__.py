"""Proofs of matrix identities, gradients and scalar formulas, each with a certificate."""

from mlpc.verify.certificate import GRADES, Certificate, together
from mlpc.verify.checks import check_exact, check_float, stated
from mlpc.verify.expressions import (
    block,
    det,
    equal,
    exp,
    expectation,
    family,
    identity,
    index,
    log,
    logdet,
    matrix,
    nonzero,
    ones,
    scalar,
    sizes,
    sqrt,
    total,
    trace,
    vector,
    zeros,
)
from mlpc.verify.gradients import prove_gradient, prove_jacobian
from mlpc.verify.inequalities import log_gap, prove_nonnegative
from mlpc.verify.matrices import prove_equal
from mlpc.verify.roots import prove_roots
from mlpc.verify.scalars import prove_zero

__all__ = [
    "GRADES",
    "Certificate",
    "block",
    "check_exact",
    "check_float",
    "det",
    "equal",
    "exp",
    "expectation",
    "family",
    "identity",
    "index",
    "log",
    "log_gap",
    "logdet",
    "matrix",
    "nonzero",
    "ones",
    "prove_equal",
    "prove_gradient",
    "prove_jacobian",
    "prove_nonnegative",
    "prove_roots",
    "prove_zero",
    "scalar",
    "sizes",
    "sqrt",
    "stated",
    "together",
    "total",
    "trace",
    "vector",
    "zeros",
]
