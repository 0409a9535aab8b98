# Caribe. Needs make and a Rust toolchain (cargo); what else is missing is installed from Debian's
# archive, as root or with sudo, the only thing that sudo is asked for.
#
#   make demo            a cluster of two directors lives through its failures
#   make test            everything: format, lints, fences, tests, documents, lab tests
#   make test-quick      the same without the lab
#   make bench           what ipvsadm costs beside the C program, in instructions
#   make install         programs, scripts, units, man pages (DESTDIR=, PREFIX=/usr, FAMILY=redhat)
#   make diff N=3000 SEED=7   random command lines to our ipvsadm and to C's: nothing may differ

PREFIX  ?= /usr
DESTDIR ?=
CARGO   ?= cargo
N       ?= 3000
SEED    ?= 1
TARGET  := $(or $(CARGO_TARGET_DIR),target)

# In one place: what building needs, and what the lab boots and runs.
BUILD_PACKAGES := gcc libc6-dev
LAB_PACKAGES   := user-mode-linux kmod iproute2 ipvsadm ldirectord openssh-client dropbear-bin
BENCH_PACKAGES := qemu-system-x86 linux-image-amd64 strace keepalived

# What is installed. ipvsadm lies in /sbin, every other program in $(PREFIX)/sbin.
BUILT   := $(TARGET)/release
SBIN    := $(filter-out ipvsadm,$(notdir $(patsubst %/Cargo.toml,%,$(wildcard bin/*/Cargo.toml))))
SCRIPTS := $(wildcard bin/ipvsadm/scripts/*)
MAN5    := $(wildcard man/*.5)
MAN8    := $(wildcard man/*.8)
# Where service scripts and their settings lie: redhat or debian.
FAMILY  ?= $(if $(wildcard /etc/debian_version),debian,redhat)
# Debian's ipvsadm has its settings in /etc/default: the unit runs the script that reads them.
UNITS   := $(wildcard etc/systemd/*)
ifeq ($(FAMILY),debian)
UNITS   := $(filter-out %/ipvsadm.service,$(UNITS)) $(wildcard etc/systemd-debian/*)
endif
INITDIR := /etc/$(if $(filter redhat,$(FAMILY)),rc.d/)init.d
KEPT    := $(wildcard etc/sysconfig/*) \
           $(if $(filter debian,$(FAMILY)),$(wildcard etc/default/*) etc/ipvsadm.rules)

.PHONY: help all demo test test-quick bench packages build-packages bench-packages \
        install install-files diff clean

help:
	@sed -n 's/^#   //p' Makefile

all: build-packages
	$(CARGO) build --release --workspace

demo: packages all
	@$(TARGET)/release/lab demo

test: packages
	$(CARGO) run -q -p xtask -- test

test-quick: build-packages
	$(CARGO) run -q -p xtask -- test --quick

bench: bench-packages all
	@$(TARGET)/release/bench

packages: WANTED := $(BUILD_PACKAGES) $(LAB_PACKAGES)
build-packages: WANTED := $(BUILD_PACKAGES)
bench-packages: WANTED := $(BUILD_PACKAGES) $(LAB_PACKAGES) $(BENCH_PACKAGES)
packages build-packages bench-packages:
	@missing=; for p in $(WANTED); do \
	  dpkg-query -W -f '$${db:Status-Status}' "$$p" 2>/dev/null | grep -qx installed \
	    || missing="$$missing $$p"; done; \
	[ -z "$$missing" ] && exit 0; \
	echo "Debian packages to install:$$missing"; \
	sudo=; [ "$$(id -u)" = 0 ] || sudo=sudo; \
	[ -z "$$sudo" ] || command -v sudo >/dev/null || { \
	  echo "no sudo here; as root: apt-get install --no-install-recommends$$missing"; exit 1; }; \
	$$sudo apt-get update -qq && \
	$$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing

install: all install-files

# A setting that is there already stays as it is.
install-files:
	install -d $(addprefix $(DESTDIR),$(PREFIX)/sbin /sbin $(INITDIR) /etc/sysconfig/ha \
	  $(sort $(dir $(KEPT:%=/%))) $(PREFIX)/lib/systemd/system $(PREFIX)/share/man/man5 \
	  $(PREFIX)/share/man/man8 $(PREFIX)/share/doc/caribe)
	install -m 755 $(SBIN:%=$(BUILT)/%) $(DESTDIR)$(PREFIX)/sbin
	install -m 755 $(BUILT)/ipvsadm $(SCRIPTS) $(DESTDIR)/sbin
	install -m 755 $(wildcard etc/init.d/*) $(DESTDIR)$(INITDIR)
	install -m 644 $(UNITS) $(DESTDIR)$(PREFIX)/lib/systemd/system
	install -m 644 $(MAN5) $(DESTDIR)$(PREFIX)/share/man/man5
	install -m 644 $(MAN8) $(DESTDIR)$(PREFIX)/share/man/man8
	install -m 644 etc/lvs.cf.example $(DESTDIR)$(PREFIX)/share/doc/caribe
	install -m 644 etc/lvs.cf.example $(DESTDIR)/etc/sysconfig/ha
	for f in $(KEPT); do [ -e "$(DESTDIR)/$$f" ] || install -m 644 $$f "$(DESTDIR)/$$f" || exit; done

diff: packages
	CARIBE_DIFF_COUNT=$(N) CARIBE_DIFF_SEED=$(SEED) \
	  $(CARGO) run -q -p caribe-lab -- test --timeout 3600 ipvsadm_diff -- ipvsadm_differential

clean:
	$(CARGO) clean
