"""Checkers of the chapter *Likelihood*: divergences, the density of a mixture, estimates."""

from mlpc.exercises.likelihood import divergences, estimates, mixture

EXERCISES = (*divergences.EXERCISES, *mixture.EXERCISES, *estimates.EXERCISES)
