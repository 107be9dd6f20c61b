import { expect, test } from "bun:test";
import { namedImages } from "./dockerfile.ts";

test("bases, and what is copied from, without stages", () => {
  const text = `# syntax=docker/dockerfile:1
FROM --platform=linux/amd64 golang:1.22 AS Build
RUN --mount=type=cache,target=/x --mount=type=bind,from=tools,target=/t go build
RUN --mount=from=other:1,target=/t echo --from=nothing
FROM scratch
COPY --chown=1:1 --from=build /a /b
COPY --from=0 /a /b
COPY --from=registry.example:5000/x@sha256:${"0".repeat(64)} /a /b
ADD --from=busybox . .
from BUILD as last
`;
  expect(namedImages(text)).toEqual([
    "golang:1.22",
    "tools",
    "other:1",
    `registry.example:5000/x@sha256:${"0".repeat(64)}`,
    "busybox",
  ]);
});

test("arguments before the first FROM", () => {
  const text = `ARG TAG=3 BASE="debian"
ARG NAME=\${BASE}:$TAG
FROM $NAME
ARG NAME=late
FROM \${NAME}-\${MISSING:-slim}\${TAG:+x}
`;
  expect(namedImages(text)).toEqual(["debian:3", "debian:3-slimx"]);
  expect(namedImages(text, new Map([["TAG", "4"]]))).toEqual(["debian:4", "debian:4-slimx"]);
  expect(namedImages("FROM $NONE")).toEqual([]);
});

test("continued lines, comments between them, here-documents", () => {
  const text = `FROM \\
  # a comment
  one
RUN <<EOF cat <<'SECOND'
FROM two
EOF
FROM three
SECOND
COPY <<-END /x
FROM four
END
FROM five`;
  expect(namedImages(text)).toEqual(["one", "five"]);
  expect(namedImages("# escape=`\nFROM `\n six")).toEqual(["six"]);
  expect(namedImages("")).toEqual([]);
});
