# Caribe. Needs make, gcc for the linker, and a Rust toolchain (cargo).
#
#   make                 builds the programs, in target/release
#   make install         copies them, scripts, units and man pages: DESTDIR=, PREFIX=/usr,
#                        FAMILY=redhat or debian, FORCE=1 also over files of other packages
#   make packages        installs the Debian packages that demo and test need, as root or with sudo
#   make demo            a cluster of two directors lives through its failures
#   make test            everything: format, lints, fences, tests, documents, lab tests
#   make test-quick      the same without the lab
#   make bench           what ipvsadm costs beside the C program, in instructions
#   make diff N=3000 SEED=7   random command lines to our ipvsadm and to C's: nothing may differ

PREFIX  ?= /usr
DESTDIR ?=
FORCE   ?=
CARGO   ?= cargo
N       ?= 3000
SEED    ?= 1
TARGET  := $(or $(CARGO_TARGET_DIR),target)

# In one place: what building needs, and what the lab boots and runs.
BUILD_PACKAGES := gcc libc6-dev
DEMO_PACKAGES  := user-mode-linux kmod iproute2
LAB_PACKAGES   := $(DEMO_PACKAGES) qemu-system-x86 linux-image-amd64 systemd \
                  ipvsadm ldirectord openssh-client dropbear-bin
BENCH_PACKAGES := strace keepalived

BUILT   := $(TARGET)/release
# Where service scripts and their settings lie.
FAMILY  ?= $(if $(wildcard /etc/debian_version),debian,redhat)

.DEFAULT_GOAL := all
.PHONY: help all demo test test-quick bench packages demo-packages bench-packages \
        install diff clean

help:
	@sed -n 's/^#   //p' Makefile

all:
	$(CARGO) build --release --workspace

demo: demo-packages all
	@$(TARGET)/release/lab demo

test: packages
	$(CARGO) run -q -p xtask -- test

test-quick:
	$(CARGO) run -q -p xtask -- test --quick

bench: bench-packages all
	@$(TARGET)/release/bench

packages: WANTED := $(BUILD_PACKAGES) $(LAB_PACKAGES)
demo-packages: WANTED := $(BUILD_PACKAGES) $(DEMO_PACKAGES)
bench-packages: WANTED := $(BUILD_PACKAGES) $(LAB_PACKAGES) $(BENCH_PACKAGES)
packages demo-packages bench-packages:
	@command -v dpkg-query >/dev/null && command -v apt-get >/dev/null || { \
	  echo "no Debian here; what these packages of it have is needed: $(WANTED)"; exit 0; }; \
	missing=; for p in $(WANTED); do \
	  dpkg-query -W -f '$${db:Status-Status}' "$$p" 2>/dev/null | grep -qx installed \
	    || missing="$$missing $$p"; done; \
	[ -z "$$missing" ] && exit 0; \
	echo "Debian packages to install:$$missing"; \
	sudo=; [ "$$(id -u)" = 0 ] || sudo=sudo; \
	[ -z "$$sudo" ] || command -v sudo >/dev/null || { \
	  echo "no sudo here; as root: apt-get install --no-install-recommends$$missing"; exit 1; }; \
	$$sudo apt-get update -qq && \
	$$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing

install:
	@BUILT="$(BUILT)" DESTDIR="$(DESTDIR)" PREFIX="$(PREFIX)" FAMILY="$(FAMILY)" FORCE="$(FORCE)" \
	  etc/install.sh

diff: packages
	CARIBE_DIFF_COUNT=$(N) CARIBE_SEED=$(SEED) \
	  $(CARGO) run -q -p caribe-lab -- test --timeout 3600 ipvsadm_diff -- ipvsadm_differential

clean:
	$(CARGO) clean
