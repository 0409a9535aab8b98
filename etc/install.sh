#!/bin/sh
# Copies the built programs to where they run. `make install` calls it, from the top of the tree, with BUILT,
# DESTDIR, PREFIX, FAMILY (redhat or debian) and FORCE. It builds nothing and fetches nothing: root needs no
# Rust for it. It exchanges each file by rename, so that a running director never sees half of one.
set -eu
umask 022

sbin=$PREFIX/sbin
# The C ipvsadm's package has it in /sbin.
table_sbin=$sbin
[ "$PREFIX" != /usr ] || table_sbin=/sbin
# systemd looks below /usr and /usr/local, and always below /etc.
case $PREFIX in
/usr | /usr/local) units=$PREFIX/lib/systemd/system ;;
*) units=/etc/systemd/system ;;
esac
init=/etc/init.d
[ "$FAMILY" != redhat ] || init=/etc/rc.d/init.d

fail() {
	echo "install: $*" >&2
	exit 1
}

# Prints every file, one a line: how, mode, source, target. `new` replaces an existing file; `kept` are settings,
# which stay as they are. Programs have the source built/NAME.
plan() {
	for program in bin/*/Cargo.toml; do
		program=$(basename "${program%/Cargo.toml}")
		place=$sbin
		[ "$program" != ipvsadm ] || place=$table_sbin
		echo "new 755 built/$program $place/$program"
	done
	all new 755 "$table_sbin" bin/ipvsadm/scripts/*
	all new 755 $init etc/init.d/*
	for unit in etc/systemd/*; do
		# Debian's ipvsadm has its settings in /etc/default: its unit runs the script that reads them.
		[ "$FAMILY" != debian ] || [ ! -e "etc/systemd-debian/${unit##*/}" ] ||
			unit=etc/systemd-debian/${unit##*/}
		all new 644 "$units" "$unit"
	done
	all new 644 "$PREFIX/share/man/man5" man/*.5
	all new 644 "$PREFIX/share/man/man8" man/*.8
	all new 644 "$PREFIX/share/doc/caribe" etc/lvs.cf.example
	all new 644 /etc/sysconfig/ha etc/lvs.cf.example
	all kept 644 /etc/sysconfig etc/sysconfig/*
	if [ "$FAMILY" = debian ]; then
		all kept 644 /etc/default etc/default/*
		all kept 644 /etc etc/ipvsadm.rules
	fi
}

all() { # how, mode, directory, files
	how=$1 mode=$2 place=$3
	shift 3
	for file; do
		echo "$how $mode $file $place/${file##*/}"
	done
}

# Prints the targets that another package owns, unless a local diversion moves its file out of the way.
owned() {
	command -v dpkg-query >/dev/null || return 0
	plan | while read -r how mode source target; do
		[ "$how" = new ] || continue
		# /sbin may be the same as /usr/sbin, and dpkg knows the file by one name only.
		said=$(dpkg-query -S "$target" "/usr$target" "${target#/usr}" 2>/dev/null || :)
		case $said in
		'' | *'local diversion from: '*) ;;
		*) echo "$target ${said%%:*}" ;;
		esac
	done
}

# Copies a file; scripts and units get the paths of this installation.
adapted() { # source, target
	case $1 in
	built/*) cp "$BUILT/${1#*/}" "$2" ;;
	etc/init.d/ipvsadm) sed "s|^SBIN=.*|SBIN=$table_sbin|" "$1" >"$2" ;;
	etc/init.d/*) sed "s|^SBIN=.*|SBIN=$sbin|" "$1" >"$2" ;;
	etc/systemd*)
		sed "s,/usr/sbin/,$sbin/,g; s,\([^a-z]\)/sbin/ipvsadm,\1$table_sbin/ipvsadm,g" "$1" >"$2"
		;;
	*) cp "$1" "$2" ;;
	esac
}

copy() { # mode, source, target
	mkdir -p "${3%/*}"
	rm -f "$3.new"
	adapted "$2" "$3.new"
	chmod "$1" "$3.new"
	mv -f "$3.new" "$3"
	echo "$3"
}

for program in $(plan | sed -n "s|^new 755 built/\([^ ]*\) .*|\1|p"); do
	[ -f "$BUILT/$program" ] ||
		fail "$BUILT/$program is not there: run make first, as yourself, then make install"
done
left=
if [ -z "$DESTDIR" ]; then
	[ "$(id -u)" = 0 ] || fail "only root can: sudo make install, or name a DESTDIR"
	[ "$FORCE" = 1 ] || left=$(owned)
fi
if [ -n "$left" ] && [ "$PREFIX" = /usr ]; then
	echo "$left" | while read -r file package; do
		echo "install: $file is of the package $package" >&2
	done
	fail "nothing is copied: remove the package, or move its file away (dpkg-divert --local --rename FILE)," \
		"or install elsewhere (PREFIX=/usr/local), or overwrite it (FORCE=1)"
fi
plan | while read -r how mode source target; do
	case "
$left" in *"
$target "*)
		echo "$target stays as its package has it"
		continue
		;;
	esac
	[ "$how" = new ] || [ ! -e "$DESTDIR$target" ] || continue
	copy "$mode" "$source" "$DESTDIR$target"
done
[ -n "$DESTDIR" ] || [ ! -d /run/systemd/system ] || echo "next: systemctl daemon-reload"
