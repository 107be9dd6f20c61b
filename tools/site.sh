#!/bin/sh
# The documentation as a site: `build` makes it in build/docs, `serve` shows it while it is written,
# `test` builds it and walks through it in Chromium. Its packages are its own: nothing else needs them.
set -eu
cd "$(dirname "$(readlink -f "$0")")/.."
say() { printf 'pivot: %s\n' "$*" >&2; }
fail() {
  say "$*"
  exit 1
}
bun=node_modules/.bin/bun
mkdir -p build
# Docusaurus speaks to nobody: it neither counts its users nor looks for newer versions.
export DISABLE_VERSION_CHECK=true NO_UPDATE_NOTIFIER=1 NODE_ENV="${NODE_ENV:-production}"

packages() {
  if [ ! -e website/node_modules/.package-lock.json ] ||
    [ website/package-lock.json -nt website/node_modules/.package-lock.json ]; then
    say "installing packages of the site"
    (cd website && npm install --no-save --include=dev --no-audit --no-fund --ignore-scripts) \
      </dev/null >build/npm-site.log 2>&1 || fail "npm install failed: see build/npm-site.log"
    touch website/node_modules/.package-lock.json
  fi
}

# As any other site gets it: packed, and unpacked among the packages.
component() {
  tools/web.sh package
  made=website/node_modules/pivot-web
  if [ ! -e $made/package.json ] || [ build/web-package/package.json -nt $made/package.json ]; then
    rm -rf $made && mkdir -p $made
    (cd build/web-package && npm pack --silent --pack-destination ..) </dev/null >/dev/null
    tar -xzf build/pivot-web-[0-9]*.tgz -C $made --strip-components=1
    rm -f build/pivot-web-[0-9]*.tgz
    touch $made/package.json
    # Bundlers take a package of the same version for the same.
    rm -rf website/node_modules/.cache
  fi
}

# What lies above docs/.
project() {
  rm -rf website/project && mkdir website/project && cp ARCHITECTURE.md CHANGELOG.md website/project/
}

build() {
  packages
  component
  project
  node_modules/.bin/tsc -p website/tsconfig.json || fail "the site's types are not right"
  say "building the site"
  # Made below website/, since what renders it is CommonJS, which this project's own package.json denies.
  (cd website && node node_modules/@docusaurus/core/bin/docusaurus.mjs build --out-dir build) \
    </dev/null >build/site.log 2>&1 || {
    grep -aE 'rror|broken|link' build/site.log | head -n 20 >&2
    fail "the site could not be built: see build/site.log"
  }
  rm -rf build/docs && mv website/build build/docs
}

case ${1:-} in
  build) build ;;
  serve)
    packages
    component
    project
    cd website
    NODE_ENV=development exec node node_modules/@docusaurus/core/bin/docusaurus.mjs start --no-open
    ;;
  test)
    shift
    build
    report=build/site-report.xml
    rm -f "$report"
    status=0
    "$bun" test --timeout 180000 --reporter=junit --reporter-outfile="$report" \
      ./website/test/*.site.ts "$@" </dev/null || status=$?
    "$bun" tools/count-tests.ts "$report" "$status"
    ;;
  *) fail "usage: tools/site.sh build|serve|test" ;;
esac
