"""Basics: the linear algebra, probability and estimation that the course rests on."""

from mlpc.basics.sherman_morrison import determinant_lemma, sherman_morrison_update, woodbury_inverse, woodbury_solve

__all__ = ["determinant_lemma", "sherman_morrison_update", "woodbury_inverse", "woodbury_solve"]
