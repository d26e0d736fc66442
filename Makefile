# The same few commands everywhere. Everything runs in .venv, which is made on first use and whenever the lock changes.
VENV := .venv
SECOND := .venv-second
CLI := .venv-cli
BIN := $(VENV)/bin
PYTHON := $(shell command -v python3.11 || command -v python3)
# Each worker has sandboxes of its own, so a file stays with one worker; in the order of conftest.py. Three on two cores:
# many tests wait for a clock and not for the processor.
PARALLEL := --numprocesses 3 --dist loadfile --no-loadscope-reorder
NBSTRIPOUT := $(BIN)/nbstripout --keep-id --extra-keys "metadata.papermill cell.metadata.papermill metadata.widgets"

.PHONY: report test prove second-opinion rules check format lab bench lock clean

report: $(VENV)/.ready  ## environment, sandbox and daily report; ends with the path of the HTML page
	@$(BIN)/ops report --environment sandbox; code=$$?; \
	case $$code in 0|1|2|3) exit 0 ;; *) exit $$code ;; esac

test: check  ## everything that is checked on every change, with small counts
	$(BIN)/python -m pytest -q $(PARALLEL) --nbmake tests notebooks

prove: check  ## the same tests with their long counts
	OPS_PROVE=1 $(BIN)/python -m pytest -q $(PARALLEL) tests

second-opinion: $(VENV)/.ready $(SECOND)/.ready  ## the shared conformance rules against another AWS-compatible server
	$(BIN)/python -m tests.second_opinion $(SECOND)/bin/python

rules: $(VENV)/.ready  ## every conformance rule of the sandbox, with the AWS document it stands on
	@$(BIN)/python -m tests.sandbox

check: $(VENV)/.ready  ## format, lint, types, notebooks without outputs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(NBSTRIPOUT) --verify notebooks/*.ipynb

format: $(VENV)/.ready  ## put code and notebooks in shape
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(NBSTRIPOUT) notebooks/*.ipynb

lab: $(VENV)/.ready  ## JupyterLab on the notebooks
	$(BIN)/jupyter lab notebooks

bench: $(VENV)/.ready $(CLI)/.ready  ## speed against a floor and the aws commands in the same run, AWS calls, memory
	$(BIN)/python -m tests.bench $(CLI)/bin/aws

lock:  ## new locks; needs uv
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	  --extra sandbox --extra dev pyproject.toml -o requirements.lock
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	  tests/second_opinion/requirements.in -o tests/second_opinion/requirements.lock
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	  tests/bench/cli_requirements.in -o tests/bench/cli_requirements.lock

clean:  ## stop the sandboxes, remove the environment
	-$(BIN)/ops sandbox stop
	rm -rf $(VENV) $(SECOND) $(CLI)

$(VENV)/.ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "$(PYTHON) is too old: Python 3.11 or newer is needed; make PYTHON=/path/to/python3.11"; exit 1; }
	@if command -v uv >/dev/null; then \
	  uv venv --quiet --allow-existing --python $(PYTHON) $(VENV) && \
	  uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock && \
	  uv pip install --quiet --python $(BIN)/python --no-deps -e . ; \
	else \
	  $(PYTHON) -m venv $(VENV) && \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock && \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e . ; \
	fi
	@$(BIN)/jupyter labextension disable --level=sys_prefix "@jupyterlab/apputils-extension:announcements" 2>/dev/null
	@touch $@

# ministack and the AWS CLI pin a botocore of their own, so each has an environment of its own.
$(SECOND)/.ready: tests/second_opinion/requirements.lock
$(CLI)/.ready: tests/bench/cli_requirements.lock
$(SECOND)/.ready $(CLI)/.ready:
	@if command -v uv >/dev/null; then \
	  uv venv --quiet --allow-existing --python $(PYTHON) $(@D) && \
	  uv pip install --quiet --python $(@D)/bin/python --require-hashes -r $< ; \
	else \
	  $(PYTHON) -m venv $(@D) && \
	  $(@D)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $< ; \
	fi
	@touch $@
