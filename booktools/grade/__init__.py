"""Mark handed-in student notebooks: run each in a fresh kernel, judge its answers again outside of it, write the marks.

    python -m booktools.grade NOTEBOOK_OR_FOLDER... --out FOLDER

What a notebook prints of itself counts for nothing: the answer of each exercise is taken out of its kernel and judged
by the checkers of this checkout in a process of its own. A cell that fails, runs too long or kills the kernel, an
exercise that was deleted and a check that was tampered with are reported, and the other exercises are marked.

Notebooks are programs: they run with the rights of whoever marks them. Mark what strangers wrote in a container.
"""

from booktools.grade.report import Mark, Report, mark_notebook, write_marks

__all__ = ["Mark", "Report", "mark_notebook", "write_marks"]
