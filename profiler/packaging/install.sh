#!/bin/sh
# usage: install.sh install|uninstall
# Copies what `make` has built below PREFIX, or removes it again. From the environment:
#   PREFIX   where it will be found, and so what cprof.pc says       LIBDIR   PREFIX/lib, or where libraries go
#   DESTDIR  put before both while copying, for whoever makes a package
#   VERSION, SONAME, LIBS, BUILT (the folder of what was built): from the Makefile
set -e
here=profiler/packaging
bin=$DESTDIR$PREFIX/bin lib=$DESTDIR$LIBDIR include=$DESTDIR$PREFIX/include man=$DESTDIR$PREFIX/share/man
share=$DESTDIR$PREFIX/share
bash=$share/bash-completion/completions/pprof zsh=$share/zsh/site-functions/_pprof fish=$share/fish/vendor_completions.d/pprof.fish
pages=$(cd $here/man && ls)

# Whether the loader looks into LIBDIR by itself. If not, programs are told where it is.
is_standard() {
    { echo /lib && echo /usr/lib && /sbin/ldconfig -NXv 2>/dev/null | sed -n 's/^\(\/[^:]*\):.*/\1/p'; } | grep -qxF "$LIBDIR"
}

# fill FILE.in: with @NAME@ replaced.
fill() {
    rpath="-Wl,-rpath,\${libdir} "
    ! is_standard || rpath=
    sed -e "s|@PREFIX@|$PREFIX|; s|@LIBDIR@|$LIBDIR|; s|@VERSION@|$VERSION|; s|@LIBS@|$LIBS|; s|@RPATH@|$rpath|" "$1"
}

case $1 in
install)
    case $PREFIX$LIBDIR in
    *[!A-Za-z0-9/._+~-]*) echo "install: PREFIX=$PREFIX has characters that cprof.pc cannot hold" >&2 && exit 2 ;;
    /*) ;;
    *) echo "install: PREFIX=$PREFIX is not an absolute path" >&2 && exit 2 ;;
    esac
    install -d "$bin" "$lib/pkgconfig" "$include"
    install -m 755 "$BUILT/pprof" "$bin"
    install -m 644 "$BUILT/libcprof.a" "$lib"
    install -m 755 "$BUILT/$SONAME" "$lib/libcprof.so.$VERSION"
    ln -sf "libcprof.so.$VERSION" "$lib/$SONAME"
    ln -sf "$SONAME" "$lib/libcprof.so"
    install -m 755 "$BUILT/libcprof-export.so" "$lib"
    install -m 644 profiler/include/cprof.h "$include"
    for module in cprof cprof-static; do
        fill "$here/$module.pc.in" >"$lib/pkgconfig/$module.pc"
        chmod 644 "$lib/pkgconfig/$module.pc"
    done
    for page in $pages; do
        install -D -m 644 "$here/man/$page" "$man/man${page##*.}/$page"
    done
    install -D -m 644 $here/completions/pprof.bash "$bash"
    install -D -m 644 $here/completions/_pprof "$zsh"
    install -D -m 644 $here/completions/pprof.fish "$fish"
    # The loader's cache, which only root can write, and which is none of a package's.
    [ -n "$DESTDIR" ] || [ "$(id -u)" != 0 ] || ! is_standard || /sbin/ldconfig
    echo "installed below $DESTDIR$PREFIX: pkg-config --cflags --libs cprof"
    ;;
uninstall)
    rm -f "$bin/pprof" "$lib/libcprof.a" "$lib/libcprof.so" "$lib/$SONAME" "$lib/libcprof.so.$VERSION" \
        "$lib/libcprof-export.so" "$include/cprof.h" "$lib/pkgconfig/cprof.pc" "$lib/pkgconfig/cprof-static.pc" \
        "$bash" "$zsh" "$fish"
    for page in $pages; do
        rm -f "$man/man${page##*.}/$page"
    done
    ;;
*)
    echo "usage: install.sh install|uninstall" >&2
    exit 2
    ;;
esac
