"""Checkers of the TD sheet *Basics*: probabilities, gradients, updates, posteriors, fits, latent variables."""

from mlpc.exercises.basics import fits, gradients, latent, posteriors, probabilities, updates

EXERCISES = tuple(
    sorted(
        (
            *probabilities.EXERCISES,
            *gradients.EXERCISES,
            *updates.EXERCISES,
            *posteriors.EXERCISES,
            *fits.EXERCISES,
            *latent.EXERCISES,
        ),
        key=lambda exercise: int(exercise.label.split("-")[1]),
    )
)
