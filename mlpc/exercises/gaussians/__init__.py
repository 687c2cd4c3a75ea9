"""Checkers of the chapter *Gaussians*: conditioning by hand, whole records, estimates and their errors."""

from mlpc.exercises.gaussians import conditioning, errors, records

EXERCISES = (*conditioning.EXERCISES, *records.EXERCISES, *errors.EXERCISES)
