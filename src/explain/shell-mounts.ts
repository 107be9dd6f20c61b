/** Mounts as commands of util-linux. */

import type { MountAttribute, Propagation } from "../plan/constants.ts";
import type { Op, OpOf } from "../plan/op.ts";
import { comment, quote, quotePath } from "./quote.ts";
import type { Places } from "./shell-place.ts";

type Lines = readonly string[];

const without = (attributes: readonly MountAttribute[], out: MountAttribute) =>
  attributes.filter((each) => each !== out);

const remount = (attributes: readonly string[], word: string): string =>
  `mount -o ${quote(["remount", "bind", ...attributes].join(","))} ${word}`;

/** mount(8) takes a comma in an option's value for its end, unless the value stands in `"`. */
const option = (text: string): string => {
  const equals = text.indexOf("=");
  return text.includes(",") && equals > 0
    ? `${text.slice(0, equals + 1)}"${text.slice(equals + 1)}"`
    : text;
};

function propagate(propagation: Propagation, recursive: boolean, word: string): Lines {
  return propagation === "unchanged"
    ? []
    : [`mount --make-${recursive ? "r" : ""}${propagation} ${word}`];
}

/** `mount -o ro` would make the file system read-only, too, which others may share. */
function mountAt(op: OpOf<"mount">, word: string): Lines {
  const options = [...without(op.attributes, "ro"), ...op.options.map(option)].join(",");
  const flags = options === "" ? "" : ` -o ${quote(options)}`;
  return [
    `mount -t ${quote(op.type)}${flags} ${quotePath(op.source)} ${word}`,
    ...(op.attributes.includes("ro") ? [remount(op.attributes, word)] : []),
  ];
}

function mount(op: OpOf<"mount">, places: Places): Lines {
  const { at, into } = op;
  const isStaged = at === null || (at.in === "host" && into !== null && into !== "root");
  if (isStaged) {
    const word = `"$stage"/${quote(into ?? "mount")}`;
    places.keep(into, { kind: "staged", word });
    return [`mkdir -p ${word}`, ...mountAt(op, word)];
  }
  if (at.in === "host") {
    places.keep(into, { kind: "path", word: '"$root"' });
    const target = into === "root" ? '"$root"' : quotePath(at.path);
    return mountAt(op, target);
  }
  const { before, word } = into === null ? places.word(at) : places.lasting(at, into);
  if (into !== null) places.keep(into, { kind: "path", word });
  const made = op.create === "existing" ? [] : [`mkdir -p ${word}`];
  return [...before, ...made, ...mountAt(op, word)];
}

/** The flags of a bind are changed after it, one call later: for that moment it has the source's. */
function bindAt(op: OpOf<"bind">, from: string, to: string): Lines {
  const set = [...new Set([...op.attributes, ...op.deep_attributes])];
  const cleared = [...new Set([...op.clear, ...op.deep_clear])].map((flag) =>
    flag === "ro" ? "rw" : flag.replace(/^no/, ""),
  );
  const flags = [...set, ...cleared];
  const deep = op.recursive && op.deep_attributes.length + op.deep_clear.length > 0;
  return [
    `mount --${op.recursive ? "rbind" : "bind"} ${from} ${to}`,
    ...(flags.length === 0 ? [] : [remount(flags, to)]),
    ...(deep ? [comment("the same flags for each mount below it: findmnt -R lists them")] : []),
    ...(op.propagation === "private" ? [] : propagate(op.propagation, op.deep_propagation, to)),
  ];
}

function bind(op: OpOf<"bind">, places: Places): Lines {
  const from = places.word(op.from, "from");
  if (op.at === null) {
    places.keep(op.into, { kind: "bind", word: from.word, op });
    return [
      ...from.before,
      comment(
        `${op.into ?? "it"} is ${from.word}, mounted when it is attached: no shell has detached mounts`,
      ),
    ];
  }
  const to = places.word(op.at);
  if (op.into !== null) places.keep(op.into, { kind: "path", word: to.word });
  return [
    ...from.before,
    ...to.before,
    ...like(from.word, to.word, op.create, places),
    ...bindAt(op, from.word, to.word),
  ];
}

/** A target of the source's kind, where there is none: a directory, or an empty file. */
const like = (from: string, to: string, create: string, { manner }: Places): Lines =>
  create === "existing" || manner === "plain" ? [] : [`like ${from} ${to}`];

function attach(op: OpOf<"attach">, places: Places): Lines {
  const kept = places.kept(op.mount);
  const name = op.mount ?? "";
  if (op.at?.in === "host") {
    const target = name === "root" ? '"$root"' : quotePath(op.at.path);
    places.keep(name, { kind: "path", word: target });
    return kept.kind === "bind"
      ? bindAt(kept.op, kept.word, target)
      : [`mount --move ${kept.word} ${target}`];
  }
  const { before, word } = places.lasting(op.at, name);
  places.keep(name, { kind: "path", word });
  if (kept.kind === "bind") {
    return [
      ...before,
      ...like(kept.word, word, op.create, places),
      ...bindAt(kept.op, kept.word, word),
    ];
  }
  return [...before, `mkdir -p ${word}`, `mount --move ${kept.word} ${word}`];
}

function setattr(op: OpOf<"mount_setattr">, places: Places): Lines {
  const { before, word } = places.word(op.at);
  const cleared = op.clear.map((flag) => (flag === "ro" ? "rw" : flag.replace(/^no/, "")));
  const flags = [...op.attributes, ...cleared];
  return [
    ...before,
    ...(flags.length === 0 ? [] : [remount(flags, word)]),
    ...(flags.length > 0 && op.recursive
      ? [comment("the same flags for each mount below it: findmnt -R lists them")]
      : []),
    ...propagate(op.propagation, op.recursive, word),
  ];
}

function mask(op: OpOf<"mask">, places: Places): Lines {
  const { before, word } = places.word(op.at);
  const cover = places.word(op.null, "null");
  const empty = places.word(op.empty, "empty");
  if (places.manner === "plain") {
    return [
      `mount --bind ${cover.word} ${word}`,
      comment(`or, if it is a directory: mount --bind ${empty.word} ${word}`),
    ];
  }
  return [...before, ...cover.before, `cover ${word} ${cover.word} ${empty.word}`];
}

/** As a shell can: the owners that its files have inside, and the locks, are left out. */
const userOverlay = (op: OpOf<"user_overlay">, places: Places): Lines => [
  comment(
    op.mapped
      ? `with the owners mapped: first mount --bind -o X-mount.idmap=NAMESPACE ${op.base} ${op.base}`
      : "by root of the user namespace",
  ),
  ...mount(
    {
      op: "mount",
      type: "overlay",
      source: "overlay",
      options: op.options,
      attributes: op.attributes,
      at: null,
      create: "existing",
      into: op.into,
    },
    places,
  ),
];

type MountOp = Extract<
  Op,
  {
    op:
      | "mount"
      | "user_overlay"
      | "bind"
      | "attach"
      | "mount_setattr"
      | "mask"
      | "readonly"
      | "reconfigure";
  }
>;

export function mountLines(op: MountOp, places: Places): Lines {
  switch (op.op) {
    case "mount":
      return mount(op, places);
    case "user_overlay":
      return userOverlay(op, places);
    case "bind":
      return bind(op, places);
    case "attach":
      return attach(op, places);
    case "mount_setattr":
      return setattr(op, places);
    case "mask":
      return mask(op, places);
    case "readonly": {
      const { before, word } = places.word(op.at);
      if (places.manner === "safe") return [...before, `readonly_at ${word}`];
      return [`mount --rbind ${word} ${word}`, `mount -o remount,bind,ro ${word}`];
    }
    case "reconfigure": {
      const { before, word } = places.word(op.at);
      return [
        ...before,
        `mount -o ${quote(["remount", ...op.options.map(option)].join(","))} ${word}`,
      ];
    }
  }
}
