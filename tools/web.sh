#!/bin/sh
# The web page: `build` makes it in build/web, and its component as a package in build/web-package;
# `fresh` makes the page, `package` the package, where they are older than their sources; `test` walks
# through the page in Chromium. Its packages are its own: nothing else needs them.
set -eu
cd "$(dirname "$(readlink -f "$0")")/.."
say() { printf 'pivot: %s\n' "$*" >&2; }
fail() {
  say "$*"
  exit 1
}
bun=node_modules/.bin/bun
mkdir -p build
# Somebody else's clone: the page that is there has to do.
[ -w build ] || [ "${1:-}" != fresh ] || exit 0
# Two at once: the second waits, and then finds nothing to do.
if [ "${1:-}" != test ] && [ "${PIVOT_WEB_LOCKED:-}" != 1 ] && command -v flock >/dev/null; then
  PIVOT_WEB_LOCKED=1 exec flock build/.web-lock "$0" "$@"
fi

newer() { # newer THAN PATH...: is a file at or below one of the paths newer?
  than=$1
  shift
  [ -e "$than" ] || return 0
  [ -n "$(find "$@" -type f -newer "$than" | head -n 1)" ]
}

packages() {
  newer web/node_modules/.package-lock.json web/package-lock.json || return 0
  say "installing packages of the web page"
  (cd web && npm install --no-save --include=dev --no-audit --no-fund --ignore-scripts) \
    </dev/null >build/npm-web.log 2>&1 || fail "npm install failed: see build/npm-web.log"
  touch web/node_modules/.package-lock.json
}

page() {
  say "building the web page"
  "$bun" --bun web/node_modules/vite/bin/vite.js build web --logLevel warn \
    </dev/null >build/web.log 2>&1 || fail "the page could not be built: see build/web.log"
  # Vite keeps the times of files that it copies.
  touch build/web/index.html
}

# Complete when it has its package.json, which comes last.
package() {
  say "building the component"
  { "$bun" --bun web/node_modules/vite/bin/vite.js build web --config web/vite.package.config.ts --logLevel warn &&
    node_modules/.bin/tsc -p web/tsconfig.package.json && "$bun" tools/web-package.ts; } \
    </dev/null >build/web-package.log 2>&1 || fail "the component could not be built: see build/web-package.log"
}

sources="web/index.html web/package-lock.json web/public web/src web/vite.config.ts src/simulator src/learn/live.ts"
case ${1:-} in
  fresh)
    # shellcheck disable=SC2086 # words are meant
    newer build/web/index.html $sources || exit 0
    packages
    page
    ;;
  build)
    packages
    { node_modules/.bin/tsc -p web/tsconfig.json && node_modules/.bin/tsc -p web/test/tsconfig.json; } ||
      fail "the page's types are not right"
    page
    package
    ;;
  package)
    # shellcheck disable=SC2086 # words are meant
    newer build/web-package/package.json $sources web/vite.package.config.ts tools/web-package.ts || exit 0
    packages
    package
    ;;
  test)
    shift
    tools/web.sh build
    report=build/web-report.xml
    rm -f "$report"
    status=0
    "$bun" test --timeout 180000 --reporter=junit --reporter-outfile="$report" \
      ./web/test/*.web.ts "$@" </dev/null || status=$?
    "$bun" tools/count-tests.ts "$report" "$status"
    ;;
  *) fail "usage: tools/web.sh build|fresh|package|test" ;;
esac
