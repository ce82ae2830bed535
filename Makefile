# The two commands: `make run` serves the demo, `make test` proves everything.
CARGO ?= cargo
OUT   := $(or $(CARGO_TARGET_DIR),target)
BIN   := $(OUT)/release/callflow

.PHONY: run test build check-style clean

run: build
	$(BIN) models install
	$(BIN) serve --config callflow.yaml

build:
	@deploy/install-build.sh
	$(CARGO) build --release --locked --bin callflow

test:
	@deploy/install-build.sh
	@tests/install.sh
	$(CARGO) build --locked --workspace --all-targets
	$(OUT)/debug/callflow models install
	$(CARGO) test --locked --workspace
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings

clean:
	$(CARGO) clean
