"""Machine learning under physical constraints: what the course derives, as functions.

Each chapter's page, module and tests have the same name. `mlpc.basics` holds the linear algebra that the rest rests on,
`mlpc.plots` draws the book's figures, and `mlpc.exercises` judges answers to its exercises.
"""
