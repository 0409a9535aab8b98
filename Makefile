# Caribe. Needs make and a Rust toolchain (cargo); what else is missing is installed from Debian's
# archive, as root or with sudo, the only thing that sudo is asked for.
#
#   make demo            a cluster of two directors lives through its failures
#   make test            everything: format, lints, fences, tests, documents, lab tests
#   make test-quick      the same without the lab
#   make install         programs, man pages, example (DESTDIR=, PREFIX=/usr)
#   make diff N=3000 SEED=7   random command lines to our ipvsadm and to C's: nothing may differ

PREFIX  ?= /usr
DESTDIR ?=
CARGO   ?= cargo
N       ?= 3000
SEED    ?= 1
TARGET  := $(or $(CARGO_TARGET_DIR),target)

# In one place: what building needs, and what the lab boots and runs.
BUILD_PACKAGES := gcc libc6-dev
LAB_PACKAGES   := user-mode-linux kmod iproute2 ipvsadm ldirectord

SBIN := pulse lvsd nanny send_arp
MAN5 := $(wildcard man/*.5)
MAN8 := $(wildcard man/*.8)

.PHONY: help all demo test test-quick packages build-packages install diff clean

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

packages: WANTED := $(BUILD_PACKAGES) $(LAB_PACKAGES)
build-packages: WANTED := $(BUILD_PACKAGES)
packages build-packages:
	@missing=; for p in $(WANTED); do \
	  dpkg-query -W -f '$${db:Status-Status}' "$$p" 2>/dev/null | grep -qx installed \
	    || missing="$$missing $$p"; done; \
	[ -z "$$missing" ] && exit 0; \
	echo "Debian packages to install:$$missing"; \
	sudo=; [ "$$(id -u)" = 0 ] || sudo=sudo; \
	$$sudo apt-get update -qq && \
	$$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing

install: all
	install -d $(DESTDIR)$(PREFIX)/sbin $(DESTDIR)/sbin $(DESTDIR)/etc/sysconfig/ha \
	  $(DESTDIR)$(PREFIX)/share/man/man5 $(DESTDIR)$(PREFIX)/share/man/man8 \
	  $(DESTDIR)$(PREFIX)/share/doc/caribe
	install -m 755 $(SBIN:%=$(TARGET)/release/%) $(DESTDIR)$(PREFIX)/sbin
	install -m 755 $(TARGET)/release/ipvsadm $(DESTDIR)/sbin/ipvsadm
	install -m 644 $(MAN5) $(DESTDIR)$(PREFIX)/share/man/man5
	install -m 644 $(MAN8) $(DESTDIR)$(PREFIX)/share/man/man8
	install -m 644 etc/lvs.cf.example $(DESTDIR)$(PREFIX)/share/doc/caribe/lvs.cf.example
	install -m 644 etc/lvs.cf.example $(DESTDIR)/etc/sysconfig/ha/lvs.cf.example

diff: packages
	CARIBE_DIFF_COUNT=$(N) CARIBE_DIFF_SEED=$(SEED) \
	  $(CARGO) run -q -p caribe-lab -- test --timeout 3600 ipvsadm_diff -- ipvsadm_differential

clean:
	$(CARGO) clean
