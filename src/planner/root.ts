/** The container's root file system, and the change of root. */

import type { MountAttribute } from "../plan/constants.ts";
import type { Place, Step } from "../plan/op.ts";
import type { Spec } from "../spec/mod.ts";
import { planCopiedRoot, planCopyDirectory, planOthersCopy } from "./copied-root.ts";
import type { Facts } from "./facts.ts";
import { labelOptions } from "./labels.ts";
import { longestParameter, lowerdirs, plainUpper, writableOptions } from "./overlay-options.ts";
import type { RootSource, RootSwitch, Setting, View } from "./setting.ts";
import {
  bind,
  byInit,
  byParent,
  create,
  inRoot,
  lock,
  mkdir,
  mount,
  onHost,
  readOnly,
  slot,
} from "./step.ts";
import { planUsersDirectory, planUsersRoot } from "./users.ts";

export const stateDirectory = ({ runRoot, id }: Pick<Setting, "runRoot" | "id">): string =>
  `${runRoot}/${id}`;
export const dataDirectory = ({ dataRoot, id }: Pick<Setting, "dataRoot" | "id">): string =>
  `${dataRoot}/containers/${id}`;

/** Why the kernel could not take these layers, or null. */
export function rootProblem(root: RootSource, facts: Facts): string | null {
  if (root.kind !== "overlay") return null;
  const long = lowerdirs(root.layers, facts).find(
    (option) => option.slice(option.indexOf("=") + 1).length > longestParameter,
  );
  if (long === undefined) return null;
  return `the kernel takes ${longestParameter} bytes of lowerdir, these layers need ${long.length}: use a shorter --root, or Linux 6.7 and later`;
}

/** The bundle may change or go; what is done later goes by what the container was made from. */
const planConfigCopy = (setting: DirectorySetting): Step[] =>
  setting.bundle === null || setting.bundle.config === null
    ? []
    : [
        byParent(
          create(onHost(`${stateDirectory(setting)}/config.json`), setting.bundle.config, 0o600),
          "what `exec` and `delete` go by",
        ),
      ];

type DirectorySetting = Pick<
  Setting,
  | "id"
  | "runRoot"
  | "dataRoot"
  | "name"
  | "root"
  | "keep"
  | "state"
  | "bundle"
  | "keptPlans"
  | "monitor"
  | "users"
>;

/** Its files get other owners while they are copied. */
const areOthers = ({ users }: Pick<Setting, "users">): boolean => users?.owners === "copied";

/** There as long as a container of a bundle is being made: nobody may enter what is half made. */
const makingFile = (setting: DirectorySetting): Place =>
  onHost(`${stateDirectory(setting)}/making`);

export const planMade = (setting: DirectorySetting): Step[] =>
  setting.bundle === null
    ? []
    : [byParent({ op: "remove", at: makingFile(setting) }, "the container is made")];

/** Milliseconds for a copy into a container that does not run to be done. */
const COPY_PATIENCE = 10_000;

/** A layer that is kept beyond the run may be there from an earlier one, and goes with no failure. */
function planDataDirectory(setting: DirectorySetting, data: Place, why: string): Step[] {
  const { keep, monitor, root } = setting;
  const copied = root.kind === "overlay" ? root.copied : undefined;
  const stays = keep && monitor !== null;
  const remove = { op: "remove", at: data } as const;
  const made = byParent(mkdir(data, 0o700, stays), why, stays ? undefined : remove);
  return [
    keep && !stays ? { ...made, keep: true } : made,
    ...(stays
      ? [
          byParent(
            { ...lock(data), patience: COPY_PATIENCE },
            "nobody copies files into it meanwhile",
          ),
        ]
      : []),
    ...(copied === undefined
      ? [
          byParent(mkdir(onHost(`${data.path}/upper`), 0o755, stays), why),
          byParent(
            mkdir(onHost(`${data.path}/work`), 0o700, stays),
            "root: overlayfs prepares changes here",
          ),
        ]
      : copied === "is there"
        ? []
        : planCopyDirectory(data.path, why, areOthers(setting))),
  ];
}

/** overlayfs takes a `volatile` work directory, or one of a crash, only once: they are made anew. */
const planView = ({ lock: directory, work }: View): Step[] => [
  byParent(lock(onHost(directory)), "nobody else writes to the view"),
  ...work.flatMap((path) => [
    byParent({ op: "remove", at: onHost(path) }, "root: overlayfs begins with an empty one"),
    byParent(mkdir(onHost(path), 0o700), "root: overlayfs prepares changes here"),
  ]),
];

/** The directories of the state and of the writable layer, made before there is a namespace. */
export function planDirectories(setting: DirectorySetting, command: readonly string[]): Step[] {
  const state = onHost(stateDirectory(setting));
  // With a monitor the state is that of a container that runs, and nothing else.
  const keep = setting.keep && setting.monitor === null ? { keep: true } : {};
  const steps: Step[] = [
    byParent(mkdir(onHost(setting.runRoot), 0o700, true), "the directory of all containers' state"),
    {
      ...byParent(mkdir(state, 0o700), "this container's state", { op: "remove", at: state }),
      ...keep,
    },
    byParent(lock(state), "shows that the container is alive"),
    ...(setting.bundle === null
      ? []
      : [byParent(create(makingFile(setting), "", 0o600), "no other command enters it yet")]),
    byParent(
      create(onHost(`${stateDirectory(setting)}/state.json`), setting.state, 0o600),
      "what other commands need to know of it",
    ),
    byParent(
      create(onHost(`${stateDirectory(setting)}/command`), JSON.stringify(command), 0o600),
      "what other commands show of it",
    ),
    ...planConfigCopy(setting),
    ...setting.keptPlans.map(({ name, bytes }) => {
      const at = onHost(`${stateDirectory(setting)}/${name}`);
      const op = { op: "write_bytes", at, content: bytes, mode: 0o600 } as const;
      return byParent(op, "what a later command will do");
    }),
  ];
  if (setting.name !== null) {
    const names = onHost(`${setting.runRoot}/names`);
    const link = onHost(`${names.path}/${setting.name}`);
    steps.push(byParent(mkdir(names, 0o700, true), "--name"), {
      ...byParent({ op: "symlink", at: link, to: `../${setting.id}` }, "--name", {
        op: "remove",
        at: link,
      }),
      ...keep,
    });
  }
  return [...steps, ...planData(setting)];
}

/** What is kept in the engine's data for this container. */
function planData(setting: DirectorySetting): Step[] {
  const { root, monitor, keep } = setting;
  const data = onHost(dataDirectory(setting));
  const all = (why: string): Step =>
    byParent(mkdir(onHost(`${setting.dataRoot}/containers`), 0o700, true), why);
  if (root.view !== undefined) return planView(root.view);
  if (root.kind === "overlay") {
    const why = "root: what the container writes goes here";
    return [all(why), ...planDataDirectory(setting, data, why)];
  }
  if (monitor === null) return [];
  const why = "what the container said, and how it ended";
  const undo = keep ? undefined : ({ op: "remove", at: data } as const);
  return [all(why), byParent(mkdir(data, 0o700, keep), why, undo)];
}

/** The files that the engine shows inside: a change of them on the host is seen at once. */
export function planFiles(setting: Setting): { before: Step[]; steps: Step[] } {
  const before: Step[] = [];
  const steps: Step[] = [];
  for (const { name, destination, text, why } of setting.files) {
    const file = onHost(`${stateDirectory(setting)}/${name}`);
    before.push(
      byParent(create(file, text, 0o644), why),
      byParent(bind({ from: file, into: name }), why),
    );
    steps.push(
      byInit({ op: "attach", mount: name, at: inRoot(destination), create: "matching" }, why),
    );
  }
  return { before, steps };
}

/** Mounts of the host that come later are to be seen inside. */
const followsHost = (spec: Spec): boolean =>
  /shared|slave/.test(spec.linux?.rootfsPropagation ?? "");

/**
 * Where the root is mounted for init alone: on its state directory, so that none has to be made; a
 * bundle's on itself, where its hooks look for it.
 */
const rootMountPoint = (setting: Setting): string =>
  setting.bundle !== null && setting.root.kind === "directory" && setting.root.path !== "/"
    ? setting.root.path
    : stateDirectory(setting);

type RootView = {
  readonly setting: Setting;
  readonly facts: Facts;
  readonly spec: Spec;
  readonly inUserNamespace: boolean;
};

/** What an overlay is made of, besides where it is mounted. */
export type Overlay = {
  /** Absolute paths, lowest first. */
  readonly layers: readonly string[];
  /** The directory that holds `upper` and `work`. */
  readonly data: string;
  readonly at: Place;
  /** Other mount options. */
  readonly options: readonly string[];
  readonly attributes?: readonly MountAttribute[];
  readonly facts: Pick<Facts, "kernel" | "userNamespace">;
  /** What it is for, if not for an image. */
  readonly why?: string;
};

/** Mounts an overlay, kept as `root`. */
export function planOverlay(overlay: Overlay): Step {
  const { layers, data, at, facts, attributes = [], why } = overlay;
  const options = [...lowerdirs(layers, facts), ...writableOptions(data), ...overlay.options];
  return byInit(
    mount({ type: "overlay", options, attributes, at, into: "root" }),
    why ?? "root: the image's layers, and what the container writes above them",
  );
}

/** Mounts the root, kept as `root`: everything after looks paths up below that descriptor. */
export function planRoot(around: RootView): { before: Step[]; steps: Step[] } {
  const { setting, facts, spec, inUserNamespace } = around;
  const at = onHost(rootMountPoint(setting));
  if (setting.root.kind === "overlay" && setting.root.copied !== undefined) {
    const { layers, copied } = setting.root;
    const isThere = copied === "is there";
    const attach = { op: "attach", mount: "root", at, create: "existing" } as const;
    const data = dataDirectory(setting);
    const isOthers = areOthers(setting);
    return {
      before: isOthers && !isThere ? planOthersCopy({ layers, data, facts }) : [],
      steps: [
        ...planCopiedRoot({ layers, data, isThere: isThere || isOthers, facts }),
        byInit(attach, "root: a mount point"),
      ],
    };
  }
  if (setting.root.kind === "overlay") {
    const { view, layers } = setting.root;
    const users = setting.users ?? null;
    // A read-only root has a writable layer too, for the mount points that the image lacks.
    const options = [
      ...(view === undefined
        ? inUserNamespace && users === null
          ? ["userxattr"]
          : []
        : plainUpper(inUserNamespace)),
      ...labelOptions(spec, facts, "overlay"),
      // What is thrown away afterwards need not reach the disk.
      ...(setting.keep ? [] : ["volatile"]),
    ];
    const overlay = { layers, data: view?.directory ?? dataDirectory(setting), at, options, facts };
    if (users !== null) return planUsersRoot(overlay, setting, users);
    if (view === undefined) return { before: [], steps: [planOverlay(overlay)] };
    const attributes = ["nosuid", "nodev"] as const;
    const why = "root: the host's own, and what is written above it";
    return { before: [], steps: [planOverlay({ ...overlay, attributes, why })] };
  }
  return {
    before: [
      byParent(
        bind({
          from: onHost(setting.root.path),
          recursive: true,
          deepAttributes: setting.root.view === undefined ? [] : ["ro", "nosuid"],
          // Never shared with the host: what is mounted in the root would be seen there.
          propagation: followsHost(spec) ? "slave" : "private",
          deepPropagation: true,
          into: "root",
        }),
        "root: a mount of its own, as pivot_root demands",
      ),
      ...planUsersDirectory(setting),
    ],
    steps: [byInit({ op: "attach", mount: "root", at, create: "existing" }, "root: a mount point")],
  };
}

/** What the root's mount is made at the end, when nothing has to be made in it any more. */
export const planRootAttributes = (spec: Spec): Step[] =>
  spec.root.readonly === true ? [byInit(readOnly(slot("root")), "root.readonly")] : [];

/** After the change of root: pivot_root(2) refuses a put_old on a shared mount. */
export function planRootPropagation(spec: Spec): Step[] {
  const wanted = spec.linux?.rootfsPropagation;
  const kinds = ["shared", "slave", "unbindable"] as const;
  const propagation = kinds.find((name) => wanted === name || wanted === `r${name}`);
  if (propagation === undefined) return []; // it is private already
  return [
    byInit(
      {
        op: "mount_setattr",
        at: slot("root"),
        attributes: [],
        clear: [],
        propagation,
        recursive: wanted !== propagation,
      },
      "linux.rootfsPropagation",
    ),
  ];
}

/** The host's mounts must not follow the container's, nor the other way, from here on. */
export const planPropagation = (spec: Spec): Step => {
  return byInit(
    {
      op: "mount_setattr",
      at: onHost("/"),
      attributes: [],
      clear: [],
      propagation: followsHost(spec) ? "slave" : "private",
      recursive: true,
    },
    "default: no mount made here is seen by the host",
  );
};

const toRoot = byInit(
  { op: "chdir", at: slot("root"), again: false },
  "the next calls say `.` for the new root",
);
const toSlash = byInit(
  { op: "chdir", at: onHost("/"), again: false },
  "the working directory must not stay on the old root",
);

/** Makes the root `/`. */
export function planSwitch(how: RootSwitch): Step[] {
  switch (how) {
    case "pivot":
      return [
        toRoot,
        byInit(
          { op: "pivot_root", new_root: ".", put_old: "." },
          "the new root becomes /, the old one lies on top of it: no directory is needed for it",
        ),
        byInit(
          { op: "umount", target: ".", flags: ["detach"] },
          "the old root goes, with every mount of the host",
        ),
        toSlash,
      ];
    case "chroot":
      return [
        toRoot,
        byInit(
          { op: "chroot", path: "." },
          "--root-switch chroot: the host's root stays mounted, and a way out stays open",
        ),
        toSlash,
      ];
    case "move":
      return [
        toRoot,
        byInit(
          { op: "move", from: ".", to: "/" },
          "--root-switch move: the new root covers the old one, which stays below",
        ),
        byInit({ op: "chroot", path: "." }, "--root-switch move"),
        toSlash,
      ];
  }
}
