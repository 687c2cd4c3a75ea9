"""Basics: the linear algebra, probability and estimation that the course rests on."""

from mlpc.basics.covariances import jittered
from mlpc.basics.em import Collapse, History, best_fit, em_steps, fit_em, lower_bound
from mlpc.basics.factor_analysis import FactorAnalysis
from mlpc.basics.free_energy import IsingLattice, fisher_identity, gibbs, log_partition_bound
from mlpc.basics.gaussians import Gaussian, joint
from mlpc.basics.likelihood import (
    cross_entropy,
    entropy,
    fisher_information,
    fit_gaussian,
    kl_divergence,
    sandwich_covariance,
    shrinkage_weight,
)
from mlpc.basics.matrix_calculus import (
    GradientCheck,
    complex_step_gradient,
    directional_derivative,
    finite_difference_gradient,
    finite_difference_jacobian,
    gradient_check,
)
from mlpc.basics.mixtures import GaussianMixture
from mlpc.basics.probability import MonteCarloMean, TotalVariance, bayes_update, monte_carlo_mean, total_variance
from mlpc.basics.sherman_morrison import determinant_lemma, sherman_morrison_update, woodbury_inverse, woodbury_solve

__all__ = [
    "Collapse",
    "FactorAnalysis",
    "Gaussian",
    "GaussianMixture",
    "GradientCheck",
    "History",
    "IsingLattice",
    "MonteCarloMean",
    "TotalVariance",
    "bayes_update",
    "best_fit",
    "complex_step_gradient",
    "cross_entropy",
    "determinant_lemma",
    "directional_derivative",
    "em_steps",
    "entropy",
    "finite_difference_gradient",
    "finite_difference_jacobian",
    "fisher_identity",
    "fisher_information",
    "fit_em",
    "fit_gaussian",
    "gibbs",
    "gradient_check",
    "jittered",
    "joint",
    "kl_divergence",
    "log_partition_bound",
    "lower_bound",
    "monte_carlo_mean",
    "sandwich_covariance",
    "sherman_morrison_update",
    "shrinkage_weight",
    "total_variance",
    "woodbury_inverse",
    "woodbury_solve",
]
