"""Checkers of the chapter *Ensembles*: growth of errors, analyses of an ensemble, its cures, costs and scores."""

from mlpc.exercises.ensembles import analyses, costs, cures

EXERCISES = (*analyses.EXERCISES, *cures.EXERCISES, *costs.EXERCISES)
