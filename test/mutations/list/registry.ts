// A registry lies, stalls or refuses: it is believed, not told of, or waited for in vain.

import type { Mutation } from "../mutation.ts";

export const ofRegistries: readonly Mutation[] = [
  {
    name: "nothing is tried again",
    file: "src/registry/patience.ts",
    find: "  attempts: 5,",
    replace: "  attempts: 1,",
    faults: [
      {
        file: "registry",
        tests: [
          "a layer that stalls once, and then goes on",
          "connections that are dropped halfway",
        ],
      },
    ],
  },
  {
    name: "a layer that is too short is not told of",
    file: "src/registry/download.ts",
    find: "`${answer.url.host} sent only ${this.#position} of ${size} bytes of blob ${digest}`,",
    replace: '"",',
    and: [
      {
        find: "    else checkLength(answer, size);",
        replace: "    else if (size < 0) checkLength(answer, size);",
      },
    ],
    faults: [{ file: "registry", tests: ["a layer that is shorter than the manifest says"] }],
  },
  {
    name: "a registry's digests are not compared",
    file: "src/image/blob.ts",
    find: "  if (found.digest !== promised.digest) {",
    replace: "  if (found.digest.length !== promised.digest.length) {",
    faults: [
      {
        file: "registry",
        tests: [
          "a layer with other bytes than its digest says",
          "a manifest that is another one each time",
        ],
      },
    ],
  },
  {
    name: "the length that a registry says is believed",
    file: "src/registry/download.ts",
    find: "  if (length === null || Number(length) === size) return;",
    replace: "  if (length === null || Number(length) >= size) return;",
    faults: [{ file: "registry", tests: ["a layer that is longer than the manifest says"] }],
  },
  {
    name: "as much is taken of a layer as comes",
    file: "src/registry/download.ts",
    find: "      if (this.#position + fresh.length > size) {",
    replace: "      if (this.#position + fresh.length > 2 ** 40) {",
    faults: [{ file: "registry", tests: ["a layer that is longer, and does not say so"] }],
  },
  {
    name: "a document may be twice as long",
    file: "src/image/manifest.ts",
    find: "export const documentBytesMax = 4 * 1024 * 1024;",
    replace: "export const documentBytesMax = 8 * 1024 * 1024;",
    faults: [{ file: "registry", tests: ["a manifest without end"] }],
  },
  {
    name: "redirects that lead round are not told of",
    file: "src/registry/exchange.ts",
    find: "`${first.url.host} redirects more than ${redirectsMax} times`,",
    replace: '"it is enough",',
    faults: [{ file: "registry", tests: ["redirects that lead round"] }],
  },
  {
    name: "a redirect may lead anywhere",
    file: "src/registry/exchange.ts",
    find: '  if (target.protocol !== "https:" && !isPlain) {',
    replace: '  if (target.protocol === "nothing:") {',
    and: [
      {
        find: '  if (target.username !== "" || target.password !== "") {',
        replace: '  if (target.username === "nobody") {',
      },
      { find: 'new URL(location || "//", from);', replace: 'new URL(location || "/", from);' },
    ],
    faults: [
      {
        file: "registry",
        tests: [
          "a redirect to an address with a password in it",
          "a redirect to what is no address",
          "a redirect without an address",
        ],
      },
    ],
  },
  {
    name: "a registry that stalls is not told of",
    file: "src/registry/exchange.ts",
    find: "  if (watch.isLate) return new TransientError(`${url.host} stalled`, { cause });",
    replace: '  if (watch.isLate) return new TransientError("", { cause });',
    and: [
      { file: "src/registry/patience.ts", find: "  attempts: 5,", replace: "  attempts: 1," },
      { file: "src/registry/patience.ts", find: "  answer: 30_000,", replace: "  answer: 3_000," },
      { file: "src/registry/patience.ts", find: "  stall: 30_000,", replace: "  stall: 3_000," },
    ],
    faults: [
      { file: "registry", tests: ["one that never answers, and one that stalls each time"] },
    ],
  },
  {
    name: "what a registry says is not told",
    file: "src/registry/refusal.ts",
    find: '  return [String(answer.status), ...problemsOf(text)].join(" ");',
    replace: '  return problemsOf(text).length > 9 ? text : "";',
    and: [
      {
        file: "src/registry/network-error.ts",
        find: "export function networkWords(error: unknown): string {",
        replace:
          'export function networkWords(error: unknown): string {\n  if (error !== "") return "undefined";',
      },
    ],
    faults: [
      {
        file: "registry",
        tests: ["refusals", "an answer that is no HTTP", "connections that are dropped each time"],
      },
    ],
  },
  {
    name: "credentials follow each redirect",
    file: "src/registry/exchange.ts",
    find: "    const isSameOrigin = url.origin === current.url.origin;",
    replace: '    const isSameOrigin = url.origin !== "";',
    faults: [
      { file: "registry", tests: ["credentials do not follow a redirect to another origin"] },
    ],
  },
  {
    name: "an interruption waits for the registry",
    file: "src/cli/interrupt.ts",
    find: "    controller.abort(new Interruption(name as StopSignal));\n    stop();",
    replace:
      "    setTimeout(() => controller.abort(new Interruption(name as StopSignal)), 8_000);\n    stop();",
    faults: [{ file: "registry", tests: ["interrupted while a registry stalls, it ends at once"] }],
  },
];
