/** What is in a container's root, in and out of it: the plans of cp, export, commit and diff. */

import type { MountAttribute } from "../plan/constants.ts";
import type { Op, Plan, Step } from "../plan/op.ts";
import type { Facts } from "./facts.ts";
import type { FileRoot, StoredMount, StoredUsers } from "./file-root.ts";
import { mapLines, userNamespace } from "./namespaces.ts";
import { lowerdirs, notesOption } from "./overlay-options.ts";
import { planRootOfNamespace } from "./plan.ts";
import { bind, byInit, byParent, inRoot, lock, mkdir, mount, onHost } from "./step.ts";
import { copiesOf, planUsersRoot } from "./users.ts";

/** `fsopen` takes layers in two ways. */
type Kernel = Pick<Facts, "kernel" | "userNamespace">;

/**
 * On each mount that is walked: a device is never opened, whatever name it takes, and reading
 * leaves no trace; but when a host's mount notes reading is its root's to say (mount_namespaces(7)).
 */
const attributes = (writable: boolean, facts: Kernel, hasUsers = false): MountAttribute[] => [
  ...(writable ? [] : (["ro"] as const)),
  "nosuid",
  "nodev",
  "noexec",
  ...(facts.userNamespace === undefined && !hasUsers ? (["noatime"] as const) : []),
];

const ownNamespace: Step = byParent(
  {
    op: "clone",
    namespaces: ["mount"],
    cgroup: null,
    user: null,
    process: null,
    join: [],
    proc: null,
  },
  "a mount namespace of its own, which goes when the process ends, however that may be",
);

/**
 * The same in a user namespace: who copies sees the owners that are seen inside, and has no rights
 * over files that the container itself has none over.
 */
const inUsers = (namespace: string, isProcess: boolean): Step[] => [
  byParent(
    {
      op: "clone",
      namespaces: ["mount"],
      cgroup: null,
      user: isProcess ? null : namespace,
      process: isProcess ? namespace : null,
      join: isProcess ? ["user"] : [],
      proc: null,
    },
    "the container's user namespace, and a mount namespace that goes with the process",
  ),
];

const nobodySees: Step = byInit(
  {
    op: "mount_setattr",
    at: onHost("/"),
    attributes: [],
    clear: [],
    propagation: "private",
    recursive: true,
  },
  "no mount made here is seen by the host",
);

const end: Step = byParent(
  { op: "supervise", signals: true, parent: true, status: null, replace: false, oom: null },
  "until all is copied",
);

/** The files of stopped containers that have volumes are where the container would have them. */
const planMounts = (
  mounts: readonly StoredMount[],
  writable: boolean,
  facts: Kernel,
  hasUsers = false,
): Step[] =>
  mounts.flatMap(({ source, subpath, destination, readonly }, i) => [
    ...(subpath === null
      ? []
      : [
          byInit(
            { op: "open", at: onHost(source), flags: ["path", "directory"], into: `volume${i}` },
            "a volume, of which the container has a part",
          ),
        ]),
    byInit(
      bind({
        from: subpath === null ? onHost(source) : { in: `volume${i}`, path: subpath },
        recursive: true,
        // In a user namespace the kernel keeps how access times are kept (mount_namespaces(7)).
        deepAttributes: attributes(writable && !readonly, facts, hasUsers),
        deepPropagation: true,
        at: inRoot(destination),
        create: writable ? "matching" : "existing",
      }),
      "a volume or bind mount of the container",
    ),
  ]);

type LayersRoot = Extract<FileRoot, { kind: "layers" }>;

/** To read, what the container wrote is one layer more: so that nothing is locked or changed. */
function planLayersToRead(root: LayersRoot, facts: Kernel): Step[] {
  const layers = root.hasUpper ? [...root.layers, `${root.data}/upper`] : root.layers;
  const at = onHost(root.hasUpper ? root.data : (root.layers.at(-1) ?? "/"));
  return [
    byInit(
      mount({
        type: "overlay",
        options: [...lowerdirs(layers, facts), ...notesOption(facts)],
        attributes: attributes(false, facts),
        at,
        create: "existing",
        into: "root",
      }),
      "the image's layers, and what the container wrote",
    ),
  ];
}

function planLayersToWrite({ data, layers }: LayersRoot, facts: Kernel): Step[] {
  const escaped = data.replaceAll("\\", "\\\\");
  return [
    byInit(
      mount({
        type: "overlay",
        options: [
          ...lowerdirs(layers, facts),
          `upperdir=${escaped}/upper`,
          `workdir=${escaped}/work`,
          ...notesOption(facts),
        ],
        attributes: attributes(true, facts),
        at: onHost(data),
        create: "existing",
        into: "root",
      }),
      "the image's layers, and above them where the container writes",
    ),
  ];
}

const planStoredUsers = ({ maps }: StoredUsers): Step =>
  byParent(
    {
      op: "user_namespace",
      uid_map: mapLines(maps.uid),
      gid_map: mapLines(maps.gid),
      into: userNamespace,
    },
    "the container's users",
  );

/** As a start mounts them: what is read and written belongs to users of the namespace. */
function planUsersLayers(
  { layers, data, hasUpper, mounts }: LayersRoot,
  users: StoredUsers,
  use: Use,
  facts: Kernel,
): Step[] {
  const { owners, dataRoot } = users;
  const isCopied = owners === "copied";
  const common = {
    at: onHost(data),
    options: [],
    attributes: attributes(use.writable, facts),
    facts,
  };
  const { before, steps } = use.writable
    ? planUsersRoot({ ...common, layers, data }, { dataRoot }, { owners })
    : planUsersRoot(
        // To read, copies are layers like any other.
        {
          ...common,
          layers: [...(isCopied ? copiesOf(layers, data) : layers), `${data}/upper`],
          data: null,
        },
        { dataRoot },
        { owners: isCopied ? "same" : owners },
      );
  return [
    planStoredUsers(users),
    ...before,
    ...inUsers(userNamespace, false),
    nobodySees,
    ...steps,
    ...(use.mounts && hasUpper ? planMounts(mounts, use.writable, facts, true) : []),
    planRootOfNamespace,
  ];
}

/** A directory of the host, or a copy of an image's layers. */
function planDirectoryRoot(
  { path, users, mounts: wanted }: Extract<FileRoot, { kind: "directory" }>,
  { writable, mounts }: Use,
  facts: Kernel,
): Step[] {
  const hasUsers = users !== null;
  return [
    ...(hasUsers ? [planStoredUsers(users), ...inUsers(userNamespace, false)] : [ownNamespace]),
    nobodySees,
    byInit(
      bind({
        from: onHost(path),
        recursive: mounts,
        deepAttributes: attributes(writable, facts, hasUsers),
        deepPropagation: true,
        at: onHost(path),
        create: "existing",
        into: "root",
      }),
      "the root",
    ),
    ...(mounts ? planMounts(wanted, writable, facts, hasUsers) : []),
    ...(hasUsers ? [planRootOfNamespace] : []),
  ];
}

/** Before the process is made, what only the parent can do; then the root, kept as `root`. */
function planFileRoot(root: FileRoot, use: Use, facts: Kernel): Step[] {
  const { writable, mounts } = use;
  switch (root.kind) {
    case "host":
      return [
        byParent(
          { op: "open", at: onHost("/"), flags: ["path", "directory"], into: "root" },
          "this machine's root",
        ),
        ownNamespace,
      ];
    case "running":
      return [
        byParent(
          {
            op: "borrow_root",
            of: onHost(root.of),
            recursive: mounts,
            attributes: attributes(writable, facts),
            into: "root",
          },
          "a copy of its mounts, which it cannot change any more",
        ),
        ...(root.hasUsers
          ? [
              byParent(
                { op: "process", of: onHost(root.of), into: "target" },
                "the container's first process",
              ),
              ...inUsers("target", true),
              planRootOfNamespace,
            ]
          : [ownNamespace]),
      ];
    case "layers": {
      const data = onHost(root.data);
      const before = writable
        ? [
            byParent(mkdir(data, 0o700, true), "where the container writes"),
            byParent(lock(data), "nobody else copies into it meanwhile"),
            byParent(mkdir(onHost(`${root.data}/upper`), 0o755, true), "where it writes"),
            byParent(mkdir(onHost(`${root.data}/work`), 0o700, true), "for overlayfs"),
          ]
        : [];
      if (root.users !== null) return [...before, ...planUsersLayers(root, root.users, use, facts)];
      return [
        ...before,
        ownNamespace,
        nobodySees,
        ...(writable ? planLayersToWrite(root, facts) : planLayersToRead(root, facts)),
        // One that was never started has no mount points yet.
        ...(mounts && root.hasUpper ? planMounts(root.mounts, writable, facts) : []),
      ];
    }
    case "directory":
      return planDirectoryRoot(root, use, facts);
  }
}

type Use = {
  readonly writable: boolean;
  /** With the container's volumes and other mounts. */
  readonly mounts: boolean;
};

const planOf = (steps: readonly Step[], last: Op, why: string): Plan => ({
  version: 1,
  steps: [...steps, byInit(last, why), end],
});

/** A tar of what is at a path goes to standard output. */
export const planPack = (
  root: FileRoot,
  what: {
    readonly path: string;
    /** What it is called in the archive; empty: `.`. */
    readonly name: string;
    readonly followLink: boolean;
  },
  facts: Kernel,
): Plan =>
  planOf(
    planFileRoot(root, { writable: false, mounts: true }, facts),
    {
      op: "pack",
      root: "root",
      path: what.path,
      name: what.name,
      follow: what.followLink,
      bare: false,
      layer: false,
    },
    "what is asked for",
  );

/** The whole root, as the image and the container have made it, without what is mounted in it. */
export const planExport = (root: FileRoot, facts: Kernel): Plan =>
  planOf(
    planFileRoot(root, { writable: false, mounts: false }, facts),
    { op: "pack", root: "root", path: "", name: "", follow: false, bare: true, layer: false },
    "all of it",
  );

/** Records of src/image/unpack-record.ts come by standard input. */
export const planUnpack = (
  root: FileRoot,
  where: {
    readonly path: string;
    /** Links below the place are followed: what comes is an archive of somebody's. */
    readonly followLinks: boolean;
  },
  facts: Kernel,
): Plan =>
  planOf(
    planFileRoot(root, { writable: true, mounts: true }, facts),
    { op: "unpack", root: "root", path: where.path, follow: where.followLinks },
    "what comes by standard input",
  );

const openUpper = (path: string): Step =>
  byParent(
    { op: "open", at: onHost(path), flags: ["path", "directory"], into: "upper" },
    "what the container wrote",
  );

/**
 * What the container wrote, as a layer of an image.
 *
 * @param freezer the cgroup that is frozen meanwhile, or null
 * @param users of a container in a user namespace of its own; null: it has none
 */
export const planLayer = (upper: string, freezer: string | null, users: StoredUsers | null): Plan =>
  planOf(
    [
      ...planFreezing(freezer),
      openUpper(upper),
      ...(users?.owners === "copied" ? [planStoredUsers(users)] : []),
      ownNamespace,
      ...(users?.owners === "copied"
        ? [
            byInit(
              { op: "owners_inside", namespace: userNamespace },
              "on the disk files belong to the container's users",
            ),
          ]
        : []),
    ],
    { op: "pack", root: "upper", path: "", name: "", follow: false, bare: true, layer: true },
    "whiteouts as layers have them",
  );

/** The same for a container whose root is a directory: the whole of it is the layer. */
export const planWholeLayer = (root: FileRoot, freezer: string | null, facts: Kernel): Plan => {
  const { steps } = planExport(root, facts);
  return { version: 1, steps: [...planFreezing(freezer), ...steps] };
};

function planFreezing(freezer: string | null): Step[] {
  if (freezer === null) return [];
  const at = onHost(freezer);
  return [
    byParent({ op: "freeze", at, frozen: true }, "nothing changes while it is read", {
      op: "freeze",
      at,
      frozen: false,
    }),
  ];
}

/** Lines of src/transfer/changes.ts go to standard output. */
export const planChanges = (upper: string, layers: readonly string[]): Plan =>
  planOf(
    [openUpper(upper), ownNamespace],
    { op: "list_changes", upper: "upper", layers: layers.toReversed() },
    "what differs",
  );
