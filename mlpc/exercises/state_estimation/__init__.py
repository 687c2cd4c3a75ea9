"""Checkers of the chapter *State estimation*: cycles, gaps, wrong filters, what is learned."""

from mlpc.exercises.state_estimation import calibration, cycles, learning

EXERCISES = (*cycles.EXERCISES, *calibration.EXERCISES, *learning.EXERCISES)
