"""Filters and smoothers: what they cost beside other libraries, how accurate they are, and whether they survive."""
