# `make demo` and the tests need python3 (3.10 or newer) and make; the rest installs itself.

PYTHON ?= python3
HOST ?= localhost
PORT ?=

VENV := .venv/bin
RUN := logs/demo
RESULTS := build/reference
IN_PARALLEL := -m pytest --numprocesses 2 --dist loadfile
EACH := -m "long or not long"
PEERS := trainproof==0.22.0 runmedic==0.1.1 trainspotter==0.2.6 losslint==0.4.1
TRAININGS := $(wildcard tests/fits tests/range_test tests/styles)
OLDEST_TESTS := tests/record tests/analysis tests/review tests/plugin tests/train tests/range_test tests/fits

# TensorFlow tells of its processor at every start, above what the demo has to say.
QUIET := TF_CPP_MIN_LOG_LEVEL=2 TF_ENABLE_ONEDNN_OPTS=0

.DEFAULT_GOAL := help
.PHONY: help demo test test-trainings test-backends test-keras test-oldest test-long bench pictures reference error-rates lint format
.PHONY: coverage clean demo-environment dev-environment jax-environment torch-environment tf_keras-environment
.PHONY: keras-environment oldest-environment oldest-jax-environment

help:
	@echo 'make demo           train on real images and look at it in TensorBoard (HOST=…, PORT=…)'
	@echo 'make test           linters and type checkers, then every test but the long ones'
	@echo 'make test-trainings every example, style of training and documentation snippet, on TensorFlow'
	@echo 'make test-backends  the trainings again, on JAX, PyTorch and tf_keras, each in its own environment'
	@echo 'make test-keras     the own tests of Keras, with LRMonitor in every fit and without it'
	@echo 'make test-oldest    the tests again on the oldest supported packages, in an environment of their own'
	@echo 'make test-long      the long tests'
	@echo 'make bench          what recording costs and how fast the plugin answers'
	@echo 'make pictures       the pictures of the documentation, from the examples'
	@echo 'make reference      the tables of docs/exactness.md, from the tests'
	@echo 'make error-rates    the table of how often findings are right, with other linters beside them'
	@echo 'make lint           the linters and type checkers alone'
	@echo 'make format         lay the sources out as the linters want them'
	@echo 'make coverage       the tests, then the lines that none of them reached'
	@echo 'make clean          remove what these commands made'
	@echo
	@echo 'PYTHON=… names the interpreter that .venv is made with; now $(PYTHON).'

demo: demo-environment $(RUN)/.trained
	@echo 'TensorBoard prints its address below; the tab is LR Monitor (add #lrmon to go straight there).'
	@exec env $(QUIET) $(VENV)/tensorboard --logdir $(RUN) --host $(HOST) $(if $(PORT),--port $(PORT))

# Trains again only where what it shows could be different.
$(RUN)/.trained: $(shell find lrmon examples -name '*.py') | demo-environment
	@rm -rf $(RUN)
	@echo 'training on the digits of scikit-learn …'
	@env $(QUIET) $(VENV)/python examples/demo.py $(RUN)
	@touch $@

test: lint
	$(VENV)/python tb_plugin/bundle.py test
	@$(call with_chromium,$(IN_PARALLEL))

# Trainings of every kind, of which `make test` has a few.
test-trainings: dev-environment
	$(VENV)/python $(IN_PARALLEL) $(EACH) tests/examples tests/styles tests/docs

# The same trainings on the other set-ups. The range test is Keras 3's alone.
test-backends: jax-environment torch-environment tf_keras-environment
	KERAS_BACKEND=jax .venv-jax/bin/python $(IN_PARALLEL) $(EACH) $(TRAININGS)
	KERAS_BACKEND=torch .venv-torch/bin/python $(IN_PARALLEL) $(EACH) $(TRAININGS)
	LRMON_KERAS=tf_keras .venv-tf_keras/bin/python $(IN_PARALLEL) $(EACH) tests/fits tests/styles

# Keras' wheel contains its tests. They import all three backends at once, so that one environment has them all.
test-keras: keras-environment
	.venv-keras/bin/python -m pytest -m 'long or not long' tests/keras_suite
	.venv-keras/bin/python tests/keras_suite/run.py

# Every package has the version that pyproject.toml names as its oldest; the first tests hold that it is so.
test-oldest: oldest-environment oldest-jax-environment
	.venv-oldest/bin/python -m pytest tests/packaging/oldest_versions.py
	.venv-oldest-jax/bin/python -m pytest tests/packaging/oldest_versions.py
	.venv-oldest/bin/python $(IN_PARALLEL) $(OLDEST_TESTS)
	LRMON_KERAS=tf_keras .venv-oldest/bin/python $(IN_PARALLEL) tests/fits
	KERAS_BACKEND=jax .venv-oldest-jax/bin/python $(IN_PARALLEL) tests/fits

test-long: dev-environment
	@$(call with_chromium,-m pytest -m long)

coverage: dev-environment
	@$(call with_chromium,-m coverage run -m pytest)
	$(VENV)/python -m coverage combine --quiet
	$(VENV)/python -m coverage report

bench: dev-environment
	@for benchmark in tests/benchmarks/[a-z]*.py; do $(VENV)/python $$benchmark || exit 1; done

# What the documentation shows, made anew by what it shows.
pictures: dev-environment
	@$(call with_chromium,scripts/pictures.py)

reference: dev-environment jax-environment torch-environment tf_keras-environment
	rm -rf $(RESULTS)
	KERAS_BACKEND=tensorflow LRMON_REFERENCE=$(RESULTS) .venv/bin/python -m pytest -q --ignore tests/fits/test_reference.py tests/fits
	KERAS_BACKEND=jax LRMON_REFERENCE=$(RESULTS) .venv-jax/bin/python -m pytest -q --ignore tests/fits/test_reference.py tests/fits
	KERAS_BACKEND=torch LRMON_REFERENCE=$(RESULTS) .venv-torch/bin/python -m pytest -q --ignore tests/fits/test_reference.py tests/fits
	LRMON_KERAS=tf_keras LRMON_REFERENCE=$(RESULTS) .venv-tf_keras/bin/python -m pytest -q --ignore tests/fits/test_reference.py tests/fits
	$(VENV)/python scripts/reference_table.py $(RESULTS) docs/exactness.md

# From the recordings of tests/corpus; `python -m tests.corpus.make` trains these anew.
error-rates: dev-environment .venv-peers/.installed
	$(VENV)/python scripts/error_rates.py

.venv-peers/.installed: Makefile
	$(PYTHON) -m venv .venv-peers
	.venv-peers/bin/python -m pip install --quiet $(PEERS)
	@touch $@

lint: dev-environment
	$(VENV)/ruff format --check --quiet .
	$(VENV)/ruff check --quiet .
	$(VENV)/mypy
	$(VENV)/python tb_plugin/bundle.py check

format: dev-environment
	$(VENV)/ruff check --quiet --fix .
	$(VENV)/ruff format --quiet .
	$(VENV)/python tb_plugin/bundle.py format

clean:
	rm -rf .venv .venv-peers .venv-jax .venv-torch .venv-tf_keras .venv-keras .venv-oldest .venv-oldest-jax $(RUN) build dist *.egg-info
	rm -rf tb_plugin/lrmon_tb/static tb_plugin/frontend/node_modules
	rm -rf .coverage* .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find lrmon tb_plugin tests examples scripts -name __pycache__ -exec rm -rf {} +

demo-environment dev-environment jax-environment torch-environment tf_keras-environment keras-environment \
oldest-environment oldest-jax-environment:
	@$(PYTHON) scripts/environment.py $(@:-environment=)

define with_chromium
chromium=$$($(VENV)/python scripts/chromium.py) && LRMON_CHROMIUM="$$chromium" $(VENV)/python $(1)
endef
