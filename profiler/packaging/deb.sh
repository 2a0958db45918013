#!/bin/sh
# usage: deb.sh FOLDER VERSION
# Builds the Debian packages (debian/) of this tree in FOLDER, from a copy of what they are made of, with debhelper, and lists
# them. Nothing is downloaded, and no root is needed; exit 2 with a line when something to build with is missing.
set -e
folder=$1 version=$2 here=profiler/packaging

complain() {
    echo "make deb: $*" >&2
    exit 2
}

for need in dpkg-buildpackage:dpkg-dev dh:debhelper; do
    command -v "${need%:*}" >/dev/null || complain "${need%:*} is missing: apt-get install ${need#*:}"
done
packaged=$(dpkg-parsechangelog -l $here/debian/changelog -S Version)
[ "${packaged%-*}" = "$version" ] || complain "debian/changelog is of version $packaged, the Makefile of $version"

rm -rf "$folder"
tree=$folder/read-all-three-$version
mkdir -p "$tree/exercises"
cp -R Makefile LICENSE README.md CHANGELOG.md SECURITY.md profiler "$tree"
cp -R exercises/engine "$tree/exercises"
rm -f "$tree/profiler/pprof" "$tree"/profiler/libcprof*.a "$tree"/profiler/libcprof*.so*
cp -R $here/debian "$tree"

# Who calls this is a make, with flags and variables of its own.
log=$folder/build.log
(cd "$tree" && env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL -u CI -u CFLAGS -u PREFIX -u LIBDIR -u DESTDIR dpkg-buildpackage -b -us -uc) \
    >"$log" 2>&1 || {
    tail -n 30 "$log" >&2
    complain "dpkg-buildpackage failed: all it said is in $log"
}
rm -rf "$tree"
ls "$folder"/*.deb
