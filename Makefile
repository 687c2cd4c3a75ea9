# Two commands: make book, make test. Each makes .venv from the lock first; the README has the same without make.
# torch comes from the index that pip is set to use; for a CPU build, set pip's own PIP_EXTRA_INDEX_URL to PyTorch's CPU index.
PYTHON ?= $(firstword $(foreach name,python3 python3.13 python3.12 python3.11 python,\
	$(shell $(name) -c 'import sys; sys.exit(not (3,11) <= sys.version_info < (3,14))' >/dev/null 2>&1 && echo $(name))) python3)
PORT ?= 8000
RUN = .venv/bin/python -m booktools
# the peers of the benchmarks have an environment of their own
BENCH = _build/bench

.PHONY: book test check-all serve bench student lock environment clean
.DEFAULT_GOAL := book

environment:
	@$(PYTHON) booktools/environment.py
book test check-all student: environment
	@$(RUN) $@
serve: environment
	@$(RUN) serve --port $(PORT)
bench: $(BENCH)/made
	@$(BENCH)/bin/python -m benchmarks
$(BENCH)/made: benchmarks/requirements.txt pyproject.toml
	@$(PYTHON) -m venv --clear $(BENCH)
	@$(BENCH)/bin/python -m pip install --quiet --requirement benchmarks/requirements.txt --editable .
	@touch $@
lock:
	$(PYTHON) -m booktools.lock
clean:
	rm -rf _build
