"""Tests of `mlpc.basics`."""
