"""Part I: the state of a dynamical system, inferred from observations."""

from mlpc.assimilation import scores as scores
from mlpc.assimilation.ensembles import ETKF, EnKF
from mlpc.assimilation.filtering import Ensemble, FilterResult, Moments, cycles, run
from mlpc.assimilation.inflation import RTPS, FiniteSize, Multiplicative
from mlpc.assimilation.iterative import IEnKS
from mlpc.assimilation.kalman import ExtendedKalmanFilter, KalmanFilter, SquareRootKalmanFilter, steady_state
from mlpc.assimilation.learning import LinearGaussianModel
from mlpc.assimilation.localisation import LETKF, Geometry, gaspari_cohn
from mlpc.assimilation.observations import Components, Linear, Nonlinear, hidden
from mlpc.assimilation.particles import ParticleFilter
from mlpc.assimilation.smoothing import rts_smoother
from mlpc.assimilation.systems import Linear2D, LinearSystem, Lorenz63, Lorenz96
from mlpc.assimilation.twin import twin_experiment
from mlpc.assimilation.variational import Trajectory, Var3D, climatology, var4d

__all__ = [
    "ETKF",
    "LETKF",
    "RTPS",
    "Components",
    "EnKF",
    "Ensemble",
    "ExtendedKalmanFilter",
    "FilterResult",
    "FiniteSize",
    "Geometry",
    "IEnKS",
    "KalmanFilter",
    "Linear",
    "Linear2D",
    "LinearGaussianModel",
    "LinearSystem",
    "Lorenz63",
    "Lorenz96",
    "Moments",
    "Multiplicative",
    "Nonlinear",
    "ParticleFilter",
    "SquareRootKalmanFilter",
    "Trajectory",
    "Var3D",
    "climatology",
    "cycles",
    "gaspari_cohn",
    "hidden",
    "rts_smoother",
    "run",
    "steady_state",
    "twin_experiment",
    "var4d",
]
